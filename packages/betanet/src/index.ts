export * from './fragment.ts'
export * from './link/index.ts'
export * from './mix/index.ts'
export * from './reassembler.ts'
