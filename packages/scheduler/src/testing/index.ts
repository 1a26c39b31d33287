export * from './fixtures.ts'
export * from './job-store-suite.ts'
export * from './scenario.ts'
