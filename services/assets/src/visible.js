// A file's name as people see it, before the server's answer has it: without characters that let it look like another
// name. uploads/visible.py decides in the end; it can ask Unicode for more than a browser can.

const LINE_BREAKS = /[\p{Cc}\p{Zl}\p{Zp}]/u;
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]/u;
const SELECTOR = /\p{Variation_Selector}/u;
const VARIED = /[\p{Lo}\p{So}\p{Sm}]/u;
const JOINER = /[\u200c\u200d]/u;
const JOINED = /[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Mongolian}\p{Script=Nko}]|\p{Mn}/u;
const INDIC = /[\u0900-\u0dff\u1000-\u109f\u1780-\u17ff]/u;
const EMOJI = /\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f/u;
// Scripts whose letters and symbols take variation selectors begin here.
const FIRST_VARIED = 0x1800;

/**
 * The text without invisible characters, save those that shape a letter or an emoji. Line breaks become `_`.
 *
 * @param {string} text
 */
export function visible(text) {
  /** @type {string[]} */
  const kept = [];
  const characters = [...text];
  for (const [place, character] of characters.entries()) {
    if (LINE_BREAKS.test(character)) kept.push("_");
    else if (!INVISIBLE.test(character) || isNeeded(character, kept.at(-1), characters[place + 1]))
      kept.push(character);
  }
  return kept.join("");
}

/**
 * Whether an invisible character shapes the one before it, or joins it with the one after it.
 *
 * @param {string} character
 * @param {string | undefined} before
 * @param {string | undefined} after
 */
function isNeeded(character, before, after) {
  if (before === undefined) return false;
  if (SELECTOR.test(character)) {
    const keycap = /[0-9#*]/.test(before) && character === "\ufe0f" && after === "\u20e3";
    return keycap || ((before.codePointAt(0) ?? 0) >= FIRST_VARIED && VARIED.test(before));
  }
  if (!JOINER.test(character) || after === undefined || INVISIBLE.test(after)) return false;
  if (INDIC.test(before) && INDIC.test(after)) return true;
  if (JOINED.test(before) && JOINED.test(after)) return true;
  return character === "\u200d" && EMOJI.test(before) && EMOJI.test(after);
}
