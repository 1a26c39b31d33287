import { systemClock } from '@fog/kernel/node'
import { readConfig } from './config.ts'
import { runFog } from './fog-command.ts'
import { processTerminal } from './terminal.ts'

const terminal = processTerminal()
// `fog ps | head` ends the reader first; there is nobody left to tell.
process.stdout.on('error', (fault: NodeJS.ErrnoException) => process.exit(fault.code === 'EPIPE' ? 0 : 1))
const config = readConfig()
process.exitCode = await runFog(process.argv.slice(2), { terminal, clock: systemClock, config })
