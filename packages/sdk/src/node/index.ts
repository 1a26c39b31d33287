export { systemClock } from '@fog/kernel/node'
export * from './prepare.ts'
export * from './results.ts'
