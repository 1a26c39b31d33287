import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { readSwf, type Trace } from '@fog/scheduler/queueing'

/** The jobs of the KTH SP2 with what their users asked for; its README tells where it comes from. */
export function readKthSp2(): Trace {
  const file = new URL('../data/kth-sp2/KTH-SP2-1996-2.1-cln.swf.gz', import.meta.url)
  return readSwf('KTH-SP2', gunzipSync(readFileSync(file)).toString('utf8'))
}
