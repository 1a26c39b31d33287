import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
// By its default export: an older Node has no enableCompileCache, and would not even load this file.
import module, { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Starts a program of ours on a Node that can run it. Written for any Node from 18: an older one only looks for the one
 * that came with the installation and hands over to it.
 */

const WANTED_MAJOR = 24

/**
 * @param {{ bin: string, main: string, name: string }} program
 *   `bin` is the launcher's own `import.meta.url`, `main` the module to run, relative to it.
 */
export async function launch({ bin, main, name }) {
  if (Number(process.versions.node.split('.')[0]) < WANTED_MAJOR) return handOver(bundledNode(bin, name), bin, name)
  process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), `fog-compile-cache-${process.getuid?.() ?? 'user'}`)
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE)
  await import(new URL(main, bin).href)
}

function bundledNode(bin, name) {
  const require = createRequire(bin)
  const platform = process.platform === 'win32' ? 'win' : process.platform
  try {
    const root = dirname(require.resolve(`node-${platform}-${process.arch}/package.json`))
    const file = join(root, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    if (existsSync(file)) return file
  } catch {
    // No Node comes with the installation on this platform. Said below.
  }
  console.error(
    `${name} needs Node ${WANTED_MAJOR} or newer, and this is ${process.version}. Install it and start again.`,
  )
  process.exit(1)
}

function handOver(node, bin, name) {
  // The IPC channel tells the program when this process is gone, however it went.
  const child = spawn(node, [fileURLToPath(bin), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => forward(child, signal))
  process.on('disconnect', () => child.connected && child.disconnect())
  // What the parent hears from the program, and says to it, passes through.
  child.on('message', (message) => process.send?.(message))
  process.on('message', (message) => child.connected && child.send(message))
  child.on('error', (fault) => {
    console.error(`${name} could not start ${node}: ${fault.message}`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    if (process.connected) process.disconnect()
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 143)
  })
}

function forward(child, signal) {
  // Ctrl-C reaches the whole foreground group by itself; a second one would mean "at once" to the program.
  if (signal === 'SIGINT' && process.stdin.isTTY) return
  child.kill(signal)
}
