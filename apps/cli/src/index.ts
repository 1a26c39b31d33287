export * from './exit-code.ts'
export * from './fog-command.ts'
export type { Terminal, TerminalOutput } from './terminal.ts'
