export * from './feed.ts'
export * from './fog.ts'
export * from './job-document.ts'
export * from './sdk-error.ts'
