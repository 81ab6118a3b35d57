/** For tests of programs that use the client. */
export { connectPlain } from './connect-plain.ts';
export { type FakeCluster, makeFakeCluster } from './fake-cluster.ts';
export {
  codedError,
  type FakeControlPlane,
  type FakeHandlers,
  type FakeSecurity,
  startFakeControlPlane,
} from './fake-control-plane.ts';
