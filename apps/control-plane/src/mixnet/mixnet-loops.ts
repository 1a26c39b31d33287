import { Loop, type LoopDependencies } from '../loops/loop.ts'
import type { Mixnet } from './mixnet.ts'

const FORGET_EVERY_MS = 600_000

/** What the control plane that leads does for the mixnet: agrees with the other authorities, measures nodes, and tidies up. */
export function mixnetLoops(
  dependencies: LoopDependencies,
  mixnet: Mixnet,
): { readonly agree: Loop; readonly forget: Loop; readonly probe?: Pick<Loop, 'run'> } {
  const agree = new Loop(dependencies, { name: 'mixnet-agree', idleMs: mixnet.stepMs }, () => mixnet.step())
  const forget = new Loop(dependencies, { name: 'mixnet-forget', idleMs: FORGET_EVERY_MS }, async () => {
    await mixnet.forgetOld()
    return 'idle'
  })
  const probe = mixnet.prober()
  return { agree, forget, ...(probe && { probe }) }
}
