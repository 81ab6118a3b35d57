/** For tests of programs that use the client. */
export { connectPlain } from './connect-plain.ts';
export {
  codedError,
  type FakeControlPlane,
  type FakeHandlers,
  startFakeControlPlane,
} from './fake-control-plane.ts';
