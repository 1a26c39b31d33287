export * from './blob-error.ts'
export * from './checked-content.ts'
export * from './folder-blob-store.ts'
export * from './memory-blob-store.ts'
