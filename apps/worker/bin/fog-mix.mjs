#!/usr/bin/env node
import { launch } from '@fog/kernel/launch'

await launch({ bin: import.meta.url, main: '../src/mix/main.ts', name: 'fog-mix' })
