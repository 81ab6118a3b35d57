/** How a member listens: TLS, limits on connections, and what each connection proves. */
export { shutdownServer } from './shutdown-server.ts';
export { TlsTransport, type TransportSettings } from './tls-transport.ts';
