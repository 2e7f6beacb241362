import assert from "node:assert/strict";
import { test } from "node:test";

import { Final } from "../../services/assets/src/faults.js";
import { Uploader } from "../../services/assets/src/uploader.js";
import { film, PART, pass, SIZE, slowPut, world } from "./world.mjs";

/** @import { Upload } from "../../services/assets/src/api.js" */
/** @import { Item } from "../../services/assets/src/uploader.js" */
/** @import { Attempt, Replaced } from "./world.mjs" */

/**
 * An uploader in a world of its own.
 *
 * @param {Replaced} replaced
 */
function page(replaced = {}) {
  const { seen, services } = world(replaced);
  /** @type {string[]} */
  const ready = [];
  /** @type {number[]} */
  const bar = [];
  /** @type {Map<string, string[]>} the states of each file */
  const states = new Map();
  /** @type {Set<string>} */
  const gone = new Set();
  let idle = Promise.withResolvers();
  const uploader = new Uploader(
    { ...services, network: { ...services.network, watch() {} } },
    {
      changed(item) {
        if (gone.has(item.id)) assert.fail("a report about a file that is gone");
        bar.push(item.most);
        const past = states.get(item.name) ?? [];
        if (past.at(-1) !== item.is.state) states.set(item.name, [...past, item.is.state]);
      },
      ready: ({ name }) => ready.push(name),
      removed: ({ id }) => gone.add(id),
      idle: () => idle.resolve(undefined),
    },
  );
  const send = (name = "film.mp4", { kind = "file", fields = {} } = {}) =>
    uploader.send(new File([film()], name), kind, fields);
  /** Let time pass until nothing is under way. */
  const rest = (/** @type {(time: number) => unknown} */ each = () => undefined) => {
    idle = Promise.withResolvers();
    return pass(idle.promise, { each });
  };
  return { seen, uploader, ready, bar, states, send, rest };
}

/** A `put` that hands over half of a part within a second, and takes two. */
async function halfway(/** @type {Attempt} */ attempt) {
  setTimeout(() => attempt.moved(PART / 2), 1000);
  return slowPut(attempt);
}

/** @param {number[]} numbers */
const rises = (numbers) => numbers.every((number, index) => index === 0 || number >= (numbers[index - 1] ?? 0));

test("the bar keeps its place while lost parts travel again, and the page can say so", async () => {
  const { uploader, bar, send, rest } = page({ put: halfway });
  const item = send();
  /** @type {boolean[]} */
  const again = [];
  await rest((time) => {
    if (time === 4500) uploader.pause(item);
    if (time === 6000) uploader.resume(item);
    again.push(uploader.progress.again);
  });
  assert.ok(bar.length > 5);
  assert.ok(rises(bar), String(bar));
  assert.deepEqual([again[4], again[20], again.at(-1)], [false, true, false]);
});

test("parts that storage had already are not counted as sent", async () => {
  const { seen, uploader, send, rest } = page({ entries: [{ id: "before" }], put: halfway });
  for (let number = 1; number <= 7; number++) seen.stored.add(number);
  send();
  /** @type {number[]} */
  const left = [];
  await rest(() => left.push(uploader.progress.left) && undefined);
  assert.equal(uploader.progress.sent, SIZE - 7 * PART);
  assert.ok(left.includes(SIZE - 7 * PART) && !left.includes(SIZE - 6 * PART));
});

test("files that wait for their turn count as what remains", async () => {
  const { uploader, send, rest, ready } = page({ put: slowPut });
  for (let number = 0; number < 6; number++) send(`${number}.mp4`);
  /** @type {number[]} */
  const left = [];
  await rest(() => left.push(uploader.progress.left) && undefined);
  assert.equal(left[0], 6 * SIZE);
  assert.deepEqual(uploader.progress, { sent: 6 * SIZE, left: 0, again: false });
  assert.equal(ready.length, 6);
});

test("each file keeps its own fields when it is tried again", async () => {
  /** @type {any[]} */
  const begun = [];
  const { uploader, send, rest } = page({
    api: {
      begin: (begin) => async (wish, key) => {
        begun.push([wish.name, wish.title, wish.lifetime]);
        if (begun.length === 1) throw new Final({ message: "no" });
        return begin(wish, key);
      },
    },
  });
  const first = send("a.mp4", { fields: { title: "A", lifetime: 300 } });
  send("b.mp4");
  await rest();
  assert.equal(first.is.state, "failed");
  uploader.retry(first);
  await rest();
  assert.deepEqual(begun, [
    ["a.mp4", "A", 300],
    ["b.mp4", undefined, undefined],
    ["a.mp4", "A", 300],
  ]);
});

test("a title that is changed while the file travels reaches the server, before and after the upload is ready", async () => {
  const { seen, uploader, send, rest } = page({ put: slowPut });
  const item = send("a.mp4", { fields: { title: "A" } });
  const changes = /** @type {Promise<void>[]} */ ([]);
  await rest((time) => {
    if (time === 1000) changes.push(uploader.edit(item, { title: "B" }));
  });
  await uploader.edit(item, { lifetime: 60 });
  await Promise.all(changes);
  assert.deepEqual(seen.changed, [{ title: "B" }, { lifetime: 60 }]);
});

test("a title that is changed while the upload begins reaches the server as well", async () => {
  /** @type {(() => void)[]} */
  const edit = [];
  const { seen, uploader, send, rest } = page({
    api: {
      begin: (begin) => async (wish, key) => {
        for (const change of edit) change();
        return begin(wish, key);
      },
    },
  });
  const item = send("a.mp4", { fields: { title: "A" } });
  edit.push(() => uploader.edit(item, { title: "B" }));
  await rest();
  assert.deepEqual(seen.changed, [{ title: "B" }]);
});

/** A `put` by which the image that was chosen first arrives last. */
function firstIsSlow() {
  return (/** @type {Attempt} */ { url, signal }) =>
    new Promise((resolve, reject) => {
      setTimeout(resolve, url.includes("/upload1/") ? 30_000 : 100);
      signal.addEventListener("abort", () => reject(signal.reason));
    });
}

test("images are completed in the order in which they were chosen", async () => {
  const { send, rest, ready, states } = page({ put: firstIsSlow() });
  for (const name of ["a.png", "b.png", "c.png"]) send(name, { kind: "image" });
  await rest();
  assert.deepEqual(ready, ["a.png", "b.png", "c.png"]);
  assert.deepEqual(states.get("c.png"), ["queued", "sending", "checking", "ready"]);
});

test("files are completed as they arrive", async () => {
  const { send, rest, ready } = page({ put: firstIsSlow() });
  for (const name of ["a.mp4", "b.mp4"]) send(name);
  await rest();
  assert.deepEqual(ready, ["b.mp4", "a.mp4"]);
});

for (const how of /** @type {const} */ (["pause", "cancel"])) {
  test(`an image does not wait for one that the visitor asked to ${how}`, async () => {
    const { uploader, send, rest, ready } = page({ put: firstIsSlow() });
    const first = send("a.png", { kind: "image" });
    send("b.png", { kind: "image" });
    await rest((time) => {
      if (time === 2000) uploader[how](first);
      if (time === 20_000) uploader.resume(first);
    });
    assert.deepEqual(ready, how === "pause" ? ["b.png", "a.png"] : ["b.png"]);
  });
}

test("a file that was given up is heard of no more", async () => {
  const { uploader, send, rest } = page({ put: halfway });
  const item = send("a.mp4");
  await rest((time) => {
    if (time === 1500) uploader.cancel(item);
  });
  assert.deepEqual([uploader.items, uploader.busy], [[], false]);
});

test("a name is shown without characters that let it look like another one", () => {
  const { send } = page({ put: slowPut });
  assert.equal(send("photo\u202egpj.exe").name, "photogpj.exe");
});
