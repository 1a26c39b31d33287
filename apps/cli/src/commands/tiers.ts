import type { Command } from 'commander'
import { addCommand, type Runner } from '../command.ts'
import type { CommonFlags } from '../invocation.ts'
import { tiersText } from '../show/tier-texts.ts'

export function addTiers(program: Command, runner: Runner): void {
  addCommand(program, {
    usage: 'tiers',
    summary: 'Shows what each tier promises, and how it was kept lately',
    examples: [
      ['fog tiers', 'waits, restarts and broken promises of each tier'],
      ['fog tiers --json | jq .tiers', 'for a script; what was not measured is absent'],
    ],
  }).action((flags: CommonFlags) =>
    runner.run(flags, async (it) => {
      const tiers = await (await it.fog()).client.call('listTiers', {})
      await it.show(tiers, () => tiersText(tiers, it.colours))
    }),
  )
}
