export * from './betanet-transport.ts'
