/** Exports that instrumentation adds; a program may not use names that begin so. */
export const RESERVED_PREFIX = 'fog:'
/** Mutable i64: fuel left. Below zero means that it ran out. */
export const FUEL_EXPORT = 'fog:fuel'
/** Mutable i32: how often the program was refused more memory. */
export const MEMORY_DENIED_EXPORT = 'fog:memory-denied'
/** The module's own start function, which instantiation no longer calls. */
export const START_EXPORT = 'fog:start'
