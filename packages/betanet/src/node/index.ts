export * from './client/index.ts'
export { MixEngine, type MixEngineEvents, type MixEngineOptions } from './mix-engine.ts'
export {
  type DirectoryAccess,
  type MixEvent,
  type MixKeys,
  MixNode,
  type MixNodeOptions,
  type MixStatus,
} from './mix-node.ts'
export { neighbourOf, neighboursOf } from './neighbours.ts'
export type { Neighbour } from './out-links.ts'
export type { EpochSecrets, SuiteName } from './thread-messages.ts'
export { DEFAULT_VERTICAL_LIMITS, type VerticalLimits } from './vertical.ts'
