/** Raft's messages between members over gRPC, without the rest of a member: what measures consensus alone uses it. */
export { peerServerOptions } from './channel-options.ts';
export { GrpcTransport } from './grpc-transport.ts';
export { PeerChannels } from './peer-channels.ts';
export { fixedIdentity, type PeerIdentity } from './peer-identity.ts';
export { type PeerServiceParts, registerPeerService } from './peer-service.ts';
