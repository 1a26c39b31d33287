/** Started by the tests as a process of its own, to be killed: starts the server of a folder and says so. */
import { isFogError } from '@fog/kernel'
import { startPostgres } from '../index.ts'

const [dataDir, binariesDir] = process.argv.slice(2)

try {
  const server = await startPostgres({ dataDir: dataDir!, ...(binariesDir && { binariesDir }) })
  process.send!({ up: true, pid: server.pid(), adopted: server.adopted, connection: server.connection })
  process.on('disconnect', () => process.exit())
} catch (fault) {
  process.send!({ up: false, code: isFogError(fault) ? fault.code : String(fault), message: String(fault) })
  process.disconnect()
}
