export * from './result-digest.ts'
export * from './run-task.ts'
export { TaskFileError, WasiHost, type WasiOptions } from './wasi/host.ts'
export type { StateFile, StateSnapshot } from './wasi/state-folder.ts'
export type { StreamSink } from './wasi/output-stream.ts'
export { DEFAULT_WASI_LIMITS, type ExceededLimit, type WasiLimits } from './wasi/quota.ts'
export { safeName } from './wasi/results.ts'
export { blockingWait, DEFAULT_CLOCK_START_NS, type TaskClock, type Wait } from './wasi/task-clock.ts'
export { compileProgram, injectFuel, prepareProgram, type PreparedProgram } from './wasm/fuel.ts'
export {
  DEFAULT_MODULE_LIMITS,
  inspectModule,
  type ModuleFacts,
  type ModuleLimits,
  WASM_PAGE_BYTES,
} from './wasm/inspect.ts'
export { ProgramError } from './wasm/program-error.ts'
export * from './capacity.ts'
export * from './decide.ts'
export * from './device.ts'
export * from './policy.ts'
export * from './signals.ts'
export type { Mode, Standing } from './standing.ts'
