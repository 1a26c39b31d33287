import { Argument, type Command } from 'commander'
import { addCommand, type Runner } from '../command.ts'
import { placesOf } from '../completion/command-tree.ts'
import { completionScript, type Shell, SHELLS } from '../completion/shells.ts'

export function addCompletion(program: Command, runner: Runner): void {
  addCommand(
    program,
    {
      usage: 'completion',
      summary: 'Prints a script that completes commands and options in your shell',
      examples: [
        ['source <(fog completion bash)', 'for this shell; put the line into ~/.bashrc for all'],
        ['source <(fog completion zsh)', 'likewise, into ~/.zshrc'],
        ['fog completion fish > ~/.config/fish/completions/fog.fish', 'for all to come'],
      ],
    },
    { server: false },
  )
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action((shell: Shell, flags: { readonly json?: boolean }) =>
      runner.run(flags, async (it) => {
        const script = completionScript(shell, placesOf(program))
        await it.show({ shell, script }, () => script.trimEnd())
      }),
    )
}
