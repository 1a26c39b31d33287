export * from './device-facts.ts'
export { type Machine, thisMachine } from './machine.ts'
export * from './sensors.ts'
