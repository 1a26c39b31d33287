export * from './fixtures.ts'
export * from './job-store-suite.ts'
export * from './scenario.ts'
export * from './step-store-suite.ts'
