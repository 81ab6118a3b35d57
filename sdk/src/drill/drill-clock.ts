/** Time as the drill needs it. */
export interface DrillClock {
  /** Never goes back, never jumps. */
  monotonicMs(): number;
  /** Rejects with the signal's reason once it is aborted. */
  sleep(durationMs: number, signal: AbortSignal): Promise<void>;
}
