/** @module The one pass over a text that counts its tokens and keeps or indexes them. */
import { counted, SviError } from "../errors.ts";
import { pause } from "../pause.ts";
import { AnchorBuilder } from "./anchors.ts";
import { BlockReader, tokenizeBlock } from "./blocks.ts";
import { sourceFeed } from "./feed.ts";
import { IndexedStore } from "./indexed.ts";
import type { ByteSource, LineEnds } from "./source.ts";
import { MemoryStore, TokenCollector } from "./store.ts";
import type { TokenStore } from "./tokens.ts";
import type { Tokenizer } from "./types.ts";

/** Bytes read at once when a text is read from end to end. */
const SCAN_READ_AHEAD = 2 ** 20;
/** Bytes after which a scan lets the host do something else: abort, animation frames, input. */
const PAUSE_BYTES = 2 ** 22;

export interface ScanOptions {
  tokenizer: Tokenizer;
  lineEnds: LineEnds;
  /** First token wanted, and the one after the last; undefined: to the end of the text. */
  start: number;
  end: number | undefined;
  cacheTokens: number;
  blockBytes: number;
  anchorTokens: number;
  signal?: AbortSignal;
}

/** The tokens `start … end − 1` of a text, in memory where at most `cacheTokens`, otherwise indexed. */
export async function scan(source: ByteSource, options: ScanOptions): Promise<TokenStore> {
  const { tokenizer, lineEnds, start, end = Number.POSITIVE_INFINITY, blockBytes } = options;
  const { size } = source;
  const index = new AnchorBuilder(options.anchorTokens);
  const collector = new TokenCollector(tokenizer.vocabularySize, options.cacheTokens);
  await forEachBlock(source, tokenizer.kind, options, (raw) => {
    const block = tokenizeBlock(raw, tokenizer, lineEnds);
    const first = index.tokens;
    index.add(block);
    const from = Math.min(block.ids.length, Math.max(0, start - first));
    const to = Math.min(block.ids.length, end - first);
    collector.add(block.ids.subarray(from, to));
    return index.tokens < end;
  });
  requireTokens(index.tokens, start, options.end);
  const last = Math.min(end, index.tokens);
  const ids = collector.finish();
  if (ids !== null) {
    const whole = start === 0 && last === index.tokens;
    return new MemoryStore(ids, tokenizer, whole ? index.bytes : undefined);
  }
  const text = { source, size, tokenizer, lineEnds, blockBytes, anchors: index.finish() };
  return new IndexedStore(text, start, last);
}

/** Reads a text once from its beginning, until `visit` returns false. Throws the signal's reason. */
export async function forEachBlock(
  source: ByteSource,
  kind: Tokenizer["kind"],
  options: { lineEnds: LineEnds; blockBytes: number; signal?: AbortSignal },
  visit: (block: { start: number; raw: Uint8Array }) => boolean,
): Promise<void> {
  const feed = sourceFeed(source, 0, Math.max(SCAN_READ_AHEAD, options.blockBytes));
  const blocks = new BlockReader(feed, kind, options.lineEnds, options.blockBytes);
  options.signal?.throwIfAborted();
  for (let paused = 0; ; ) {
    const block = await blocks.next();
    if (block === null || !visit(block)) return;
    if (feed.position - paused >= PAUSE_BYTES) {
      paused = feed.position;
      await pause();
    }
    options.signal?.throwIfAborted();
  }
}

function requireTokens(tokens: number, start: number, end: number | undefined): void {
  if (tokens === 0)
    throw new SviError("E_TEXT_EMPTY", "The text has no tokens", {
      value: 0,
      remedy: "Give a text that is not empty",
    });
  const needed = end ?? start + 1;
  if (tokens < needed)
    throw new SviError(
      "E_TEXT_SHORT",
      `The text has ${counted(tokens, "token")}, the range needs ${needed}`,
      {
        value: { needed, available: tokens },
        remedy: "Give a longer text, or a range within it",
      },
    );
}
