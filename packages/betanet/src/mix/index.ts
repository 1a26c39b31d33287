export { DROP_REASONS, type DropReason } from './drops.ts'
export { Histogram } from './histogram.ts'
export type { PacketArrival } from './pipeline.ts'
export {
  clearReplayMemory,
  newReplayMemory,
  REPLAY_TAG_BYTES,
  ReplayFilter,
  replayFilterBytes,
} from './replay-filter.ts'
export { COUNTS, type Count, Stats, type StatsSnapshot, TIMES, type Time } from './stats.ts'
