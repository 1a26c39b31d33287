import { objectIn } from './files.ts'

/** Levels of pino. */
const WARN = 40
const ERROR = 50
const LEFT_OUT = new Set(['level', 'time', 'pid', 'hostname', 'part', 'msg', 'err'])

/** A line of a worker's log as a person reads it; a line that is none of its log stays as it is. */
export function logLineText(line: string): string {
  const { level, time, msg, err, ...facts } = objectIn(line)
  if (typeof level !== 'number' || typeof time !== 'number' || typeof msg !== 'string') return line
  const at = new Date(time).toTimeString().slice(0, 8)
  const mark = level >= ERROR ? 'error: ' : level >= WARN ? 'warning: ' : ''
  const more = Object.entries(facts).filter(([name]) => !LEFT_OUT.has(name))
  const why = messageOf(err)
  const words = [...more.map(([name, value]) => `${name}=${textOf(value)}`), ...(why === undefined ? [] : [why])]
  return `${at} ${mark}${msg}${words.length > 0 ? `  ${words.join(' ')}` : ''}`
}

function messageOf(err: unknown): string | undefined {
  const message = typeof err === 'object' && err !== null ? (err as { message?: unknown }).message : undefined
  return typeof message === 'string' ? message : undefined
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
