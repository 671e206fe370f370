import { expect, it } from "vitest";
import { Channel } from "../../src/distributed/channel.ts";

it("a channel brings what was pushed before its end, and nothing that comes later", async () => {
  const channel = new Channel<string>();
  channel.push("a");
  channel.push("last");
  channel.end();
  const seen: string[] = [];
  for await (const value of channel.values()) {
    seen.push(value);
    channel.push("late");
  }
  expect(seen).toEqual(["a", "last"]);
});
