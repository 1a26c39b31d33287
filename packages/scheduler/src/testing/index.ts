export * from './fixtures.ts'
export * from './job-store-suite.ts'
