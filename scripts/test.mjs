import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureDebianTools } from './debian.mjs'
import { say, seconds } from './progress.mjs'
import { forwardSignals } from './run.mjs'
import { ROOT, ensureConsoleBuilt, ensureInstalled, fogEnv, fogNode, giveUp } from './setup.mjs'

/** `npm test [-- step ...]`: every step runs even when an earlier one failed; the last line counts them all. */

const MINUTE_MS = 60_000
const STEPS = [
  { name: 'console', build: ensureConsoleBuilt },
  { name: 'types', tool: ['typescript/bin/tsc', '--noEmit'], limitMs: 5 * MINUTE_MS },
  { name: 'lint', tool: ['oxlint/bin/oxlint', '--type-aware'], limitMs: 5 * MINUTE_MS },
  { name: 'format', tool: ['oxfmt/bin/oxfmt', '--check'], limitMs: 2 * MINUTE_MS },
  { name: 'unit', project: 'unit', limitMs: 20 * MINUTE_MS },
  { name: 'e2e', project: 'e2e', limitMs: 30 * MINUTE_MS },
  { name: 'browser', project: 'browser', limitMs: 15 * MINUTE_MS },
]

const ONE_PASSED = { passed: 1, failed: 0, skipped: 0 }
const ONE_FAILED = { passed: 0, failed: 1, skipped: 0 }

/** A step that ran over its limit first gets the chance to stop what it started. */
const GRACE_MS = 10_000

async function test(names) {
  const steps = chosenSteps(names)
  await ensureInstalled()
  await ensureDebianTools()
  const outcomes = []
  for (const step of steps) outcomes.push(await runStep(step))
  return summary(outcomes)
}

function chosenSteps(names) {
  const unknown = names.filter((name) => !STEPS.some((step) => step.name === name))
  if (unknown.length === 0) return STEPS.filter((step) => names.length === 0 || names.includes(step.name))
  say(`There is no step "${unknown[0]}". The steps are ${STEPS.map((step) => step.name).join(', ')}.`)
  process.exit(2)
}

async function runStep(step) {
  say(`\n── ${step.name} ${'─'.repeat(60 - step.name.length)}`)
  const startedAt = Date.now()
  return { name: step.name, ...(await countsOfStep(step)), took: seconds(startedAt) }
}

function countsOfStep(step) {
  if (step.build) return runBuild(step)
  return step.tool ? runTool(step) : runProject(step)
}

async function runBuild({ build }) {
  try {
    await build()
    return ONE_PASSED
  } catch (error) {
    say(error.message)
    return ONE_FAILED
  }
}

async function runTool({ tool: [script, ...args], limitMs }) {
  const code = await runNode([join('node_modules', script), ...args], limitMs)
  return code === 0 ? ONE_PASSED : ONE_FAILED
}

async function runProject({ project, limitMs }) {
  const folder = await mkdtemp(join(tmpdir(), 'fog-test-'))
  const report = join(folder, 'report.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const code = await runNode(['node_modules/vitest/vitest.mjs', 'run', '--project', project, ...reporters], limitMs)
  const counts = existsSync(report) ? countsOf(JSON.parse(await readFile(report, 'utf8'))) : ONE_FAILED
  await rm(folder, { recursive: true, force: true })
  // A file that cannot be loaded, or an error outside of any test, fails the step without failing a test.
  return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts
}

function countsOf(report) {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = report
  const unloaded = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0)
  const failed = numFailedTests + unloaded.length
  return { passed: numPassedTests, failed, skipped: numPendingTests + numTodoTests }
}

/** The exit code of a Node program with the terminal as its own, ended when it takes longer than `limitMs`. */
function runNode(args, limitMs) {
  return new Promise((resolve) => {
    const child = spawn(fogNode(), args, { cwd: ROOT, env: fogEnv(), stdio: ['ignore', 'inherit', 'inherit'] })
    const stopForwarding = forwardSignals(child)
    const timers = [
      setTimeout(() => say(`Took longer than ${limitMs / MINUTE_MS} minutes: stopped.`), limitMs),
      setTimeout(() => child.kill('SIGTERM'), limitMs),
      setTimeout(() => child.kill('SIGKILL'), limitMs + GRACE_MS),
    ]
    child.once('close', (code) => {
      timers.forEach(clearTimeout)
      const interruptedBy = stopForwarding()
      if (interruptedBy) process.exit(128 + constants.signals[interruptedBy])
      resolve(code ?? 1)
    })
  })
}

function summary(outcomes) {
  console.log('')
  for (const { name, passed, failed, skipped, took } of outcomes) {
    console.log(`${failed ? '✗' : '✓'} ${name.padEnd(10)} ${counted({ passed, failed, skipped })}  ${took}`)
  }
  const sum = (field) => outcomes.reduce((total, outcome) => total + outcome[field], 0)
  const total = { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') }
  console.log(`\n${counted(total)}`)
  return total.failed === 0 && total.passed > 0 ? 0 : 1
}

function counted({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

process.exitCode = await test(process.argv.slice(2)).catch(giveUp)
