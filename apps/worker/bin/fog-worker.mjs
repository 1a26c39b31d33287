#!/usr/bin/env node
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire, enableCompileCache } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

// Written for any Node: an older one only looks for the one that came with the installation and hands over to it.
const WANTED_MAJOR = 24
const MAIN = join(dirname(fileURLToPath(import.meta.url)), '..', 'src', 'main.ts')

if (Number(process.versions.node.split('.')[0]) >= WANTED_MAJOR) {
  process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), `fog-compile-cache-${process.getuid?.() ?? 'user'}`)
  enableCompileCache(process.env.NODE_COMPILE_CACHE)
  await import(MAIN)
} else {
  handOver(bundledNode())
}

function bundledNode() {
  const require = createRequire(import.meta.url)
  const platform = process.platform === 'win32' ? 'win' : process.platform
  try {
    const root = dirname(require.resolve(`node-${platform}-${process.arch}/package.json`))
    const file = process.platform === 'win32' ? join(root, 'bin', 'node.exe') : join(root, 'bin', 'node')
    if (existsSync(file)) return file
  } catch {
    // No Node comes with the installation on this platform. Said below.
  }
  console.error(
    `fog-worker needs Node ${WANTED_MAJOR} or newer, and this is ${process.version}. Install it and start again.`,
  )
  process.exit(1)
}

function handOver(node) {
  // The channel tells the worker when this process is gone, however it went.
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => forward(child, signal))
  process.on('disconnect', () => child.connected && child.disconnect())
  child.on('error', (fault) => {
    console.error(`fog-worker could not start ${node}: ${fault.message}`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    if (process.connected) process.disconnect()
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 143)
  })
}

function forward(child, signal) {
  // Ctrl-C reaches the whole foreground group by itself; a second one would mean "at once" to the worker.
  if (signal === 'SIGINT' && process.stdin.isTTY) return
  child.kill(signal)
}
