export * from './datagram-session.ts'
export * from './frame-reader.ts'
export * from './link-error.ts'
export * from './link-session.ts'
