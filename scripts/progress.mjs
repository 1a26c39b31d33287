const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
/** On a terminal the line turns; in a log a line this often shows that it still works. */
const LOG_EVERY_MS = 15_000

/** Shows `label` and the seconds since, until `work` ends; then one line that says how it ended. Gives work's answer. */
export async function withProgress(label, work) {
  const startedAt = Date.now()
  const stop = process.stderr.isTTY ? turn(label, startedAt) : repeat(label, startedAt)
  try {
    const answer = await work()
    stop()
    say(`✓ ${label} (${seconds(startedAt)})`)
    return answer
  } catch (error) {
    stop()
    say(`✗ ${label} (${seconds(startedAt)})`)
    throw error
  }
}

export function say(line) {
  process.stderr.write(`${line}\n`)
}

export function seconds(startedAt) {
  return `${((Date.now() - startedAt) / 1000).toFixed(1)} s`
}

function turn(label, startedAt) {
  let frame = 0
  const timer = setInterval(() => {
    frame = (frame + 1) % FRAMES.length
    process.stderr.write(`\r\x1b[K${FRAMES[frame]} ${label} ${seconds(startedAt)}`)
  }, 100)
  return () => {
    clearInterval(timer)
    process.stderr.write('\r\x1b[K')
  }
}

function repeat(label, startedAt) {
  say(`… ${label}`)
  const timer = setInterval(() => say(`… ${label} ${seconds(startedAt)}`), LOG_EVERY_MS)
  return () => clearInterval(timer)
}
