export * from './crypto.ts'
export * from './system.ts'
export * from './noise-suite.ts'
