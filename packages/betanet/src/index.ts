export * from './link/index.ts'
export * from './mix/index.ts'
