import * as betanet from './betanet.ts'
import * as directory from './directory.ts'
import * as mixnetClient from './mixnet-client.ts'
import * as streams from './streams.ts'
import type { FuzzTarget } from './target.ts'

/** Whatever takes bytes from strangers. `npm run fuzz` searches them; `tests/fuzz.test.ts` replays what it kept. */
export const targets: Readonly<Record<string, FuzzTarget>> = {
  'sphinx-packet': betanet.sphinxPacket,
  'sphinx-slot': betanet.sphinxSlot,
  'katzenpost-slot': betanet.katzenpostSlot,
  'sphinx-surb': betanet.sphinxSurb,
  fragment: betanet.fragment,
  reassembler: betanet.reassembler,
  'client-contents': mixnetClient.clientContents,
  delivery: mixnetClient.delivery,
  'link-frames': betanet.linkFrames,
  'link-handshake': betanet.linkHandshake,
  'stream-frame': streams.streamFrame,
  'stream-bytes': streams.streamBytes,
  descriptor: directory.descriptor,
  'authority-message': directory.authorityMessage,
  'delay-histogram': directory.delayHistogram,
  'traffic-report': directory.trafficReport,
  'network-rules': directory.rules,
  'directory-client': directory.directoryClient,
  'vrf-proof': directory.vrfProof,
}
