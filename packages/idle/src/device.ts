/** What a device is: facts that hold while it runs. */
export interface DeviceFacts {
  readonly name: string
  readonly cores: number
  /** Of one core, as the system names it. */
  readonly processor: string
  readonly memoryBytes: number
  /** `x64`, `arm64`; `wasm` in a browser that does not say. */
  readonly arch: string
  /** `linux`, `darwin`, `win32`, `browser`. */
  readonly os: string
  readonly osRelease: string
}
