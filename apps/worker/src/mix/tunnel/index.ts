export { startTunnel } from './tunnel.ts'
export type { Tunnel, TunnelOptions } from './tunnel-options.ts'
