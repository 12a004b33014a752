"""The closed lexicon of directions: the concepts a character can play, and the English words for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Concept:
    """Something a direction can ask for.

    `kind` is expression, emotion, gesture, gaze, energy or blinking. `words` are the phrases that name it, in
    the form a dictionary lists them; left and right are the character's own.
    """

    name: str
    kind: str
    words: tuple[str, ...]


def _phrases(listed: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in listed.split(",") if phrase.strip())


_EXPRESSIONS: Final = {
    "smile": "smile, smiley",
    "grin": "grin, beam, smile ear ear, grin ear ear, toothy smile",
    "frown": "frown, mouth corner down, corner mouth down, turn mouth down, mouth turn down",
    "pout": "pout, pucker, pucker lip, lip pucker, purse lip, lip purse, kiss, kissy, duck face",
    "pressed_lips": "press lip, lip press, press lip together, tight lip, tighten lip, tight mouth, thin lip",
    "smirk": "smirk, lopsided smile, crooked smile, one sided smile, wry smile",
    "grimace": "grimace, wince, cringe, stretch mouth, mouth stretch, stretch lip, clench tooth",
    "raised_brows": "raise brow, brow raise, brow up, lift brow, arch brow, brow arch, high brow",
    "one_brow_raised": "one brow raise, raise one brow, raise a brow, raise single brow, lift one brow, "
    "lift a brow, arch one brow, arch a brow, cock brow, cock a brow, cock one brow, one brow up, "
    "raise left brow, left brow raise, left brow up",
    "furrowed_brows": "furrow brow, brow furrow, furrow, knit brow, brow knit, lower brow, brow lower, "
    "brow down, knot brow, crease brow, scowl, glower",
    "squint": "squint, narrow eye, eye narrow, screw up eye, scrunch eye, scrunch up eye",
    "wide_eyes": "wide eye, eye wide, widen eye, eye widen, eye wide open, wide open eye, open eye wide, "
    "big eye, goggle, bug eye",
    "closed_eyes": "close eye, eye close, shut eye, eye shut, sleep, asleep, meditate",
    "wink": "wink",
    "sneer": "sneer, snarl, wrinkle nose, nose wrinkle, scrunch nose, nose scrunch, scrunch up nose, "
    "curl lip, lip curl",
    "puffed_cheeks": "puff cheek, cheek puff, puff out cheek, blow up cheek, blow out cheek, "
    "inflate cheek, cheek inflate, fill cheek",
}
_EMOTIONS: Final = {
    "happy": "happy, joy, joyful, joyous, glad, cheer, cheerful, cheery, merry, delight, delightful, "
    "pleased, content, jolly, bliss, blissful, elate, elation, pleasure, friendly, warm, warmth, radiant",
    "sad": "sad, sadden, unhappy, sorrow, sorrowful, grief, grieve, mourn, mournful, gloom, gloomy, "
    "melancholy, melancholic, depress, depression, downcast, cry, weep, tear, tearful, heartbroken, "
    "miserable, misery, dejected, upset",
    "angry": "angry, anger, mad, fury, furious, rage, irate, irritate, irritation, annoy, annoyance, "
    "glare, hostile, outrage, wrath, indignant, aggressive, livid",
    "surprised": "surprise, astonish, astonishment, amaze, amazement, astound, shock, startle, stun, "
    "flabbergasted, gasp, wow, taken aback",
    "afraid": "afraid, fear, fearful, scare, scary, fright, frighten, terrify, terror, panic, horror, "
    "horrify, dread, alarm, nervous, anxious, anxiety, petrify",
    "disgusted": "disgust, revulsion, revolt, repulse, gross out, nausea, nauseate, yuck, sicken, distaste",
    "contemptuous": "contempt, contemptuous, scorn, scornful, disdain, disdainful, haughty, arrogant, "
    "arrogance, condescend, superior, mock, dismissive",
    "thoughtful": "thoughtful, think, thought, ponder, pensive, reflect, reflective, reflection, "
    "contemplate, contemplation, contemplative, consider, muse, lost thought, deep thought, wonder",
    "tired": "tired, tire, sleepy, exhaust, exhaustion, weary, fatigue, drowsy, worn out, yawn, "
    "half asleep, droop",
    "excited": "excite, excitement, thrill, enthusiasm, enthusiastic, ecstatic, ecstasy, eager, "
    "exhilarate, hyped, overjoyed, euphoric, euphoria",
    "curious": "curious, curiosity, interest, intrigue, inquisitive, attentive, fascinate, fascination",
    "concerned": "concern, worry, uneasy, trouble, compassion, compassionate, sympathy, sympathetic, "
    "empathy, empathetic, caring, apprehensive, distress",
    "amused": "amuse, amusement, laugh, laughter, giggle, chuckle, playful, humour, humorous, humor, "
    "entertain, tease, cheeky, mischief, mischievous",
    "doubtful": "doubt, doubtful, skeptic, skeptical, skepticism, sceptic, sceptical, scepticism, "
    "suspicion, suspicious, unconvinced, incredulous, disbelief, distrust, distrustful, confuse, "
    "confusion, puzzle, perplex, baffle, unsure, uncertain, uncertainty, dubious",
    "confident": "confident, confidence, pride, proud, assure, assurance, self assure, self confident, "
    "determine, determination, resolute, bold",
    "bored": "bored, bore, boredom, uninterested, disinterested, indifferent, indifference, apathy, "
    "apathetic, jaded, unimpressed",
    "shy": "shy, bashful, timid, timidity, coy, embarrass, embarrassment, sheepish, self conscious, blush, "
    "ashamed, shame",
}
_GESTURES: Final = {
    "nod": "nod, nod head, head nod, nod yes, nod along, nod agreement, agree, agreement",
    "shake": "shake, shake head, head shake, shake head no, shake no, disagree, disagreement",
    "tilt_left": "tilt left, left tilt, cock left, incline left, lean left, tilt, head tilt, tilt head, "
    "cock head, incline head, tilt side, lean side",
    "tilt_right": "tilt right, right tilt, cock right, incline right, lean right",
    "lean_forward": "lean forward, lean, lean in, lean closer, lean close, lean toward, lean toward viewer, "
    "lean in toward viewer, move closer, come closer, move forward",
    "lean_back": "lean back, lean away, move back, pull back, draw back, recoil, lean away from viewer",
    "turn_left": "turn left, left turn, face left, rotate left, head left, turn head, head turn, turn side",
    "turn_right": "turn right, right turn, face right, rotate right, head right",
}
_GAZE: Final = {
    "gaze_viewer": "look viewer, look directly viewer, look straight viewer, look straight, look ahead, "
    "look straight ahead, look forward, look here, look eye, eye on viewer, eye viewer, face viewer, "
    "eye contact",
    "gaze_away": "look away, look elsewhere, look around, look aside, look side, look off, look sideways, "
    "avert eye, avert look, eye avert, eye away, eye side, turn away, look away from viewer, "
    "avoid eye contact, break eye contact, no eye contact, without eye contact, avoid look",
    "gaze_up": "look up, up look, eye up, look ceiling, look sky, look up ceiling, look up sky, roll eye, "
    "eye roll, look up and left, look up left, look up and right, look up right, head up, raise head, "
    "lift head, chin up, raise chin, lift chin",
    "gaze_down": "look down, down look, eye down, lower eye, lower look, look floor, look ground, look feet, "
    "look down floor, look down ground, look down feet, look down and left, look down left, "
    "look down and right, look down right, head down, lower head, bow head, bow, hang head, chin down",
    "gaze_left": "look left, left look, eye left, look left side, look viewer right, look up and left, "
    "look up left, look down and left, look down left",
    "gaze_right": "look right, right look, eye right, look right side, look viewer left, look up and right, "
    "look up right, look down and right, look down right",
}
_ENERGY: Final = {
    "calm": "calm, composed, composure, stillness, quiet, relax, serene, serenity, peaceful, tranquil, "
    "motionless, steady, hold still, stay still, keep still, sit still, stand still, not move, restrained, "
    "subdued, low energy",
    "lively": "lively, animate, energetic, energy, dynamic, vivid, vivacious, active, vibrant, bouncy, "
    "high energy, restless, expressive",
}
_BLINKING: Final = {
    "blink_often": "blink, blink often, often blink, blink a lot, blink much, blink frequent, "
    "frequent blink, blink rapid, rapid blink, blink fast, fast blink, blink quick, quick blink, "
    "blink more, bat eyelash, flutter eyelash, eyelash flutter, flutter lid",
    "blink_rarely": "blink rarely, rarely blink, blink rare, rare blink, blink seldom, seldom blink, "
    "blink less, blink little, hardly blink, hardly ever blink, hardly any blink, barely blink, "
    "unblinking, not blink, without blink, no blink, never blink",
}

CONCEPTS: Final[tuple[Concept, ...]] = tuple(
    Concept(name, kind, _phrases(listed))
    for kind, table in (
        ("expression", _EXPRESSIONS),
        ("emotion", _EMOTIONS),
        ("gesture", _GESTURES),
        ("gaze", _GAZE),
        ("energy", _ENERGY),
        ("blinking", _BLINKING),
    )
    for name, listed in table.items()
)
"""In the order of their ids: `CONCEPTS[i]` has the id `i + 1`, and 0 means none."""

# Words that stand for another one wherever they occur.
ALIASES: Final[dict[str, str]] = {
    "an": "a",
    "eyebrow": "brow",
    "eyelid": "lid",
    "lash": "eyelash",
    "teeth": "tooth",
    "gaze": "look",
    "glance": "look",
    "stare": "look",
    "peek": "look",
    "peer": "look",
    "camera": "viewer",
    "audience": "viewer",
    "spectator": "viewer",
    "lens": "viewer",
    "user": "viewer",
    "listener": "viewer",
    "us": "viewer",
    "me": "viewer",
    "you": "viewer",
    "upward": "up",
    "downward": "down",
    "leftward": "left",
    "rightward": "right",
    "backward": "back",
    "shook": "shake",
    "wept": "weep",
    "leant": "lean",
    "stunned": "stun",
    "dont": "not",
    "doesnt": "not",
    "isnt": "not",
    "arent": "not",
    "wont": "not",
    "cant": "not",
    "cannot": "not",
    "neither": "not",
    "stop": "not",
}

NEGATIONS: Final = frozenset({"not", "no", "never", "without", "nor"})
LINKS: Final = frozenset({"or", "nor"})  # a negation reaches over these to the next concept
BREAKS: Final = frozenset({"and", "but", "while", "then", "with", "as"})  # a new clause begins

# The strength that a word gives to the concept it belongs to.
INTENSITIES: Final[dict[str, float]] = {
    **dict.fromkeys(("barely", "hardly", "faint", "hint", "minimal"), 0.3),
    **dict.fromkeys(("slight", "little", "bit", "subtle", "subtly", "small", "somewhat"), 0.4),
    **dict.fromkeys(("mild", "soft", "gentle", "gently", "light", "half"), 0.5),
    **dict.fromkeys(("moderate", "fairly"), 0.6),
    **dict.fromkeys(("normal",), 0.7),
    **dict.fromkeys(("rather", "quite", "pretty", "clear", "visibly", "noticeably"), 0.8),
    **dict.fromkeys(
        ("big", "broad", "wide", "deep", "really", "much", "lot", "truly", "strong", "hard"), 0.9
    ),
    **dict.fromkeys(("very", "extreme", "intense", "huge", "full", "fully", "total", "totally", "so"), 1.0),
    **dict.fromkeys(("absolutely", "utterly", "incredibly", "terribly", "super", "completely"), 1.0),
}
USUAL_STRENGTH: Final = 0.7

# Words that may stand between the words of a phrase.
FILLERS: Final = frozenset(
    "a the his her their its my your our of to into on at in from head both own".split()
)

# Words that mean nothing by themselves and need no remark.
SILENT: Final = FILLERS | frozenset(
    "hers theirs mine yours by for off out if than that this these those there it he she they we i him them "
    "who which what or when during after before until also again just only even still too always now more "
    "be is are was were am been being do does did doing have has had having will would should can could may "
    "might must look seem appear feel become get stay keep remain maintain let make show give act play "
    "express wear put go going come begin start turn move shift face eye brow mouth lip cheek expression "
    "mood emotion gesture tone manner way sense feeling side please yes neutral character person man woman "
    "girl boy speaker viewer someone once twice talk speak listen say".split()
)
