export * from './prepare.ts'
export * from './results.ts'
