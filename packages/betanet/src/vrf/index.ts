export * from './ecvrf.ts'
export type { VrfSuite } from './suite.ts'
