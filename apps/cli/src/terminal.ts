/** Where a command reads and writes. The process's own in `main.ts`; texts in tests. */
export interface Terminal {
  readonly stdout: TerminalOutput
  readonly stderr: TerminalOutput
  readonly stdin: TerminalInput
  /** Ctrl-C, or a polite request to end. Answers how to stop listening. */
  onInterrupt(heard: () => void): () => void
  /** The program that started this one is gone, where that can be known. */
  onOrphaned(heard: () => void): () => void
  /** Ends at once, when a second Ctrl-C asks for it. */
  leave(code: number): void
}

export interface TerminalOutput {
  /** Resolves when there is room for more, so that a slow reader is waited for. */
  write(content: string | Uint8Array): Promise<void>
  readonly isTerminal: boolean
  readonly columns: number
  readonly rows: number
}

export interface TerminalInput extends AsyncIterable<Uint8Array> {
  readonly isTerminal: boolean
  /** Single key presses until it is stopped; only on a terminal. */
  onKey(pressed: (key: string) => void): () => void
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export function processTerminal(): Terminal {
  return {
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    stdin: processInput(),
    onInterrupt: (heard) => {
      for (const signal of SIGNALS) process.on(signal, heard)
      return () => {
        for (const signal of SIGNALS) process.off(signal, heard)
      }
    },
    onOrphaned: (heard) => {
      if (!process.connected) return () => undefined
      process.on('disconnect', heard)
      return () => void process.off('disconnect', heard)
    },
    leave: (code) => process.exit(code),
  }
}

function outputOf(stream: NodeJS.WriteStream): TerminalOutput {
  return {
    write: (content) =>
      new Promise((resolve) => {
        stream.write(content, () => resolve())
      }),
    get isTerminal() {
      return stream.isTTY ?? false
    },
    get columns() {
      return stream.columns ?? 100
    },
    get rows() {
      return stream.rows ?? 30
    },
  }
}

function processInput(): TerminalInput {
  const { stdin } = process
  return {
    isTerminal: stdin.isTTY ?? false,
    onKey: (pressed) => {
      const hear = (data: Buffer) => pressed(data.toString())
      stdin.setRawMode(true).on('data', hear).resume()
      return () => {
        stdin.off('data', hear).setRawMode(false).pause()
      }
    },
    [Symbol.asyncIterator]: () => stdin[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>,
  }
}
