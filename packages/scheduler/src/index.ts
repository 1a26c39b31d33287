export * from './job.ts'
export type * from './job-store.ts'
export * from './task.ts'
export * from './tier.ts'
