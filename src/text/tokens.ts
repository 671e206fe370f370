/** @module What the kinds of corpora have in common: tokens by position, and minibatches of them. */

/**
 * What targets may attend to: of each, in the order of the targets, the timesteps `from` up to, not including, `to` of
 * its lane's window, which hold the source of its document; equal ones for none.
 */
export interface SourceRanges {
  readonly from: Int32Array;
  readonly to: Int32Array;
}

/** Reads minibatches of `batch` lanes × `sequence` timesteps. */
export interface LaneReader {
  readonly batch: number;
  readonly sequence: number;
  /** Windows in one pass. */
  readonly windows: number;
  /** Inputs that they have, together. */
  readonly tokens: number;
  /** Targets of the corpus that no window has: what is left behind the last lane, and behind each lane's last window. */
  readonly unread: number;
  /** Windows already read in this pass. */
  readonly cursor: number;
  /** Whether a lane's window begins where its last one ended, so that state can be carried over. */
  readonly contiguous: boolean;
  /**
   * Fills inputs and targets, time-major, `[t * batch + lane]`, at least `sequence * batch` long each; the
   * targets are the inputs one token later, -1 where the corpus does not score them. Returns the number of timesteps filled, 0 at the end of the epoch.
   *
   * @param sources filled as well, as long as the targets
   * @throws E_TEXT_CHANGED where the text is not the one that was opened; E_BUSY for overlapping calls;
   *   E_DISPOSED after `close`. After an error the same window can be asked for again.
   */
  next(inputs: Int32Array, targets: Int32Array, sources?: SourceRanges): Promise<number>;
  /** Continue at a window (0 = start over), for epochs and resume. @param epoch from 0, for another order; default 0 */
  seek(window: number, epoch?: number): Promise<void>;
  close(): Promise<void>;
}

export interface LaneOptions {
  /** Lanes read side by side. */
  batch: number;
  /** Timesteps in a window. */
  sequence: number;
  /** Read the rest of the lanes as a last, shorter window; by default it is left out. */
  partial?: boolean;
  /** Of documents: the seed of another order in every epoch; by default they come in their own. */
  shuffle?: number;
}

/** Reads tokens in order from some position on. */
export interface TokenCursor {
  /** Writes the next `count` tokens to the beginning of `into`; a promise only where it has to wait. */
  take(into: Int32Array, count: number): Promise<void> | undefined;
}

/** What a corpus of pairs holds. */
export interface DocumentCounts {
  readonly count: number;
  /** Those that were too long. */
  readonly omitted: number;
  /** Timesteps of the longest. */
  readonly longest: number;
}

export interface TokenStore {
  /** Number of tokens; positions run from 0. */
  readonly tokens: number;
  /** `readers` cursors are to share a bounded amount of memory. */
  cursor(position: number, readers: number): TokenCursor;
  /** UTF-8 length of the text of the tokens `from … to − 1`. */
  bytes(from: number, to: number): number;
  /** Fingerprint of the tokens `from … to − 1`. */
  hash(from: number, to: number): Promise<string>;
  /** Of a corpus of pairs. */
  readonly documents?: DocumentCounts;
  /** Where tokens come in one order alone, or as documents: the only lanes there are, in place of any others. */
  lanes?(options: LaneOptions): LaneReader;
}
