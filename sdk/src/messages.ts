/** The contract as people who call it need it: the operators' messages, without those of agents and members. */
export * from '@cell/proto';
