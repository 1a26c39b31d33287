import { spawn } from 'node:child_process'
import { constants } from 'node:os'

const TAIL_LINES = 40
const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGINT']

/** A command that did not end well; `tail` holds the last lines it printed. */
export class CommandFailed extends Error {
  constructor(command, reason, tail) {
    super(`${command} ${reason}${tail ? `\n\n${tail}` : ''}`)
    this.tail = tail
  }
}

/** Runs a command in silence. Throws `CommandFailed` with its last lines when it does not exit 0. */
export async function runQuietly(command, args, options) {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  const tail = lastLines(child)
  const end = await ended(child)
  if (end.error) throw new CommandFailed(command, `could not be started: ${end.error.message}`, '')
  if (end.code !== 0) throw new CommandFailed([command, ...args].join(' '), `failed (${end.code})`, tail())
}

/**
 * Runs a Node program in the foreground and gives its exit code, 128 + n when signal n ended it. The IPC channel between
 * them tells the program when this process is gone, however it went.
 */
export async function runInForeground(args, options) {
  const child = spawn(options.node, args, { ...options, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  const stop = forwardSignals(child)
  const end = await ended(child)
  stop()
  if (end.error) throw new CommandFailed(options.node, `could not be started: ${end.error.message}`, '')
  return end.code
}

/** Passes the signals that end a program on to the child, which decides. The returned function stops that and names the last one. */
export function forwardSignals(child) {
  let last
  const forward = (signal) => {
    last = signal
    // Ctrl-C reaches the whole foreground group by itself; a second one would mean "at once" to the child.
    if (signal === 'SIGINT' && process.stdin.isTTY) return
    child.kill(signal)
  }
  for (const signal of FORWARDED) process.on(signal, forward)
  return () => {
    for (const signal of FORWARDED) process.off(signal, forward)
    return last
  }
}

function ended(child) {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ error }))
    child.once('close', (code, signal) => resolve({ code: code ?? 128 + (constants.signals[signal] ?? 0) }))
  })
}

function lastLines(child) {
  let text = ''
  const keep = (chunk) => {
    text = `${text}${chunk}`.slice(-16_384)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  return () => text.trimEnd().split('\n').slice(-TAIL_LINES).join('\n')
}
