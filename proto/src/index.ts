/** The contracts of Cell: generated messages and services of `cell.v1`, and the bridge to grpc-js. */
export * from './gen/cell/v1/agents_pb.ts';
export * from './gen/cell/v1/identity_pb.ts';
export * from './gen/cell/v1/job_pb.ts';
export * from './gen/cell/v1/model_pb.ts';
export * from './gen/cell/v1/operators_pb.ts';
export * from './gen/cell/v1/peers_pb.ts';
export * from './grpc-bridge.ts';
