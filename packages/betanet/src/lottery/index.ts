export * from './draw.ts'
export * from './path.ts'
export * from './verify.ts'
export * from './weight.ts'
