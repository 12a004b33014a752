"""Things to say: small word lists of our own per language, and sentences drawn from them."""

from __future__ import annotations

from typing import Final

import numpy as np

_ENGLISH_SUBJECTS: Final = (
    "my father, the baker, every bird, our big blue boat, the mayor, a young woman, both of them, "
    "nobody, the old bridge, her voice, this machine, a photograph, the whole village, somebody, your "
    "proposal, the people of Peru, a small robot, my favourite poem, the weather, his memory, that "
    "problem, the orchestra, a huge wave, the kitchen window, Bob, Mary, Thomas, Yvonne, the judge, "
    "my shoes"
).split(", ")
_ENGLISH_VERBS: Final = (
    "moved, will bring, has never forgotten, might improve, pushed, showed, opens, threw away, "
    "painted, believes in, is watching, would follow, borrowed, measures, chose, remembers, has "
    "broken, put down, enjoys, could never explain, brought home, dreams of, laughed about, whispers "
    "to, jumped over, hopes for"
).split(", ")
_ENGLISH_OBJECTS: Final = (
    "the purple umbrella, a bowl of soup, five thousand voters, every promise, the job, more butter, "
    "the smooth surface, a beautiful memory, fresh air, my brother's bicycle, the empty room, two "
    "brown mugs, a very thin thread, the measure, popular music, an enormous vegetable, the usual "
    "answer, bread and jam, the future of this company, warm water, a mobile phone, a good book, "
    "those yellow flowers, the whole truth, half of the apple pie, an awful accident, some cheap "
    "shoes, the bottom of the sea"
).split(", ")
_ENGLISH_TAILS: Final = (
    "before breakfast, in the morning, on Wednesday, with both hands, for the very first time, all "
    "over the world, without a word, as far as I know, by the river, in a hurry, about an hour ago, "
    "from above, at the moment, in January, beyond the valley, during the show, to be honest, over "
    "and over again, up to now"
).split(", ")
_ENGLISH_PHRASES: Final = (
    "Well, I mean, maybe; What a wonderful surprise!; Are you sure about that?; Thank you very much.; "
    "No way!; Oh, really?; How far is it from here?; Please, help me up.; Hmm, let me think.; Why "
    "would anybody do that?; That's impossible!; I have no idea.; Good morning, everybody.; "
    "Absolutely not.; Of course we can.; Wow!; Who is there?; Listen to me.; Mama, papa, baby.; Five, "
    "four, three, two, one, go!; Now, more than ever.; So, where were we?; It is what it is.; Believe "
    "me, it works.; People, places, problems.; Bye bye!; Are we going home, or not?; You know what? "
    "Forget it.; I am so happy for you!; We must move forward."
).split("; ")

# Plain words by espeak-ng language; a sentence is a few of them in any order.
_WORDS: Final[dict[str, str]] = {
    "de": "ich möchte morgen schöne Bücher über Pferde und Vögel haben aber wir müssen zuerst früh "
    "aufstehen bitte komm mit dem Bus zum Bahnhof niemand glaubt ihm mehr fünf Äpfel liegen auf dem "
    "Tisch Mutter wohnt am Meer Papa baut ein Boot heute Abend gibt es Suppe und Brot warum weißt du "
    "das nicht Zeitung wunderbar öffnen Welt Stimme zwischen Freude Problem immer vielleicht "
    "probieren Baum Frühling",
    "fr-be": "bonjour je voudrais parler avec vous du problème de la vie un petit oiseau bleu chante "
    "sous la fenêtre beaucoup de monde attend le bus pourquoi pas demain matin ma mère prépare une "
    "bonne soupe il faut ouvrir la porte nous avons vu une femme peindre deux pommes vertes jamais "
    "toujours peut-être pourtant heureux musique fleur lumière bateau montagne vouloir jouer rouge "
    "août huit bébé fumée neuf",
    "es": "buenos días quiero hablar contigo sobre el problema del agua mi madre prepara una sopa muy "
    "buena nadie sabe por qué el pájaro vuela tan alto mañana vamos a comprar pan y fruta un hombre "
    "pobre mueve la mesa blanca cuando llueve siempre bebemos vino rojo dónde vive tu amigo viejo "
    "perro verde número uno ocho hombre mujer jamón ventana palabra tiempo feliz abuela bomba libro "
    "mapa",
    "it": "buongiorno vorrei parlare con te del problema della vita mia madre prepara una zuppa molto "
    "buona nessuno sa perché il bambino piange domani andiamo al mare con la barca un uomo povero "
    "muove il tavolo bianco quando piove beviamo sempre vino rosso dove abita il tuo amico vecchio "
    "cane verde uva pomodoro finestra parola tempo felice nonna libro mappa gnocchi sciare famiglia "
    "aprire bello",
    "pt-br": "bom dia eu quero falar com você sobre o problema da água minha mãe prepara uma sopa "
    "muito boa ninguém sabe por que o pássaro voa tão alto amanhã vamos comprar pão e fruta um homem "
    "pobre move a mesa branca quando chove bebemos vinho vermelho onde mora seu amigo velho cachorro "
    "verde janela palavra tempo feliz avó livro mapa coração amanhã bomba família abrir",
    "pl": "dzień dobry chcę mówić o problemie wody moja mama gotuje bardzo dobrą zupę nikt nie wie "
    "dlaczego ptak lata wysoko jutro kupimy chleb i owoce biedny człowiek przesuwa biały stół kiedy "
    "pada deszcz pijemy wodę gdzie mieszka twój przyjaciel stary pies zielony okno słowo czas "
    "szczęśliwy babcia książka mapa morze wiosna zawsze proszę bardzo powoli",
    "ru": "доброе утро я хочу говорить о проблеме воды моя мама варит очень хороший суп никто не "
    "знает почему птица летит высоко завтра мы купим хлеб и фрукты бедный человек двигает белый стол "
    "когда идёт дождь мы пьём воду где живёт твой друг старый зелёный окно слово время счастливый "
    "бабушка книга море весна всегда пожалуйста может быть любовь",
    "tr": "günaydın seninle su hakkında konuşmak istiyorum annem çok güzel bir çorba yapıyor kimse "
    "kuşun neden yüksek uçtuğunu bilmiyor yarın ekmek ve meyve alacağız yoksul adam beyaz masayı "
    "itiyor yağmur bizim arkadaşın nerede oturuyor yaşlı köpek yeşil pencere kelime zaman mutlu "
    "büyükanne kitap harita deniz bahar bulmak göz üzüm öğretmen",
    "ja": "おはよう わたし は あなた と はなし が したい です はは は とても おいしい スープ を "
    "つくります だれ も しりません なぜ とり は たかく とぶ あした パン と "
    "くだもの を かいます まど ことば じかん うみ はる ぼうし ふゆ みず ほん ともだち ぶどう うま "
    "やま もも べんきょう ありがとう どこ に すんで います か",
    "hi": "नमस्ते मैं आपसे पानी के बारे में बात करना चाहता हूँ मेरी माँ बहुत अच्छा सूप बनाती है कोई "
    "नहीं जानता पक्षी ऊपर क्यों उड़ता है कल हम रोटी और फल खरीदेंगे बारिश में हम चाय पीते हैं आपका "
    "दोस्त कहाँ रहता है खिड़की शब्द समय खुश किताब समुद्र बसंत हमेशा भाई बहन फूल",
    "cmn-latn-pinyin": "ni3 hao3 wo3 xiang3 he2 ni3 shuo1 hua4 ma1 ma5 zuo4 fan4 hen3 hao3 chi1 mei2 "
    "you3 ren2 zhi1 dao4 wei4 shen2 me5 niao3 fei1 de5 gao1 ming2 tian1 wo3 men5 mai3 mian4 bao1 "
    "shui3 guo3 bai2 zhuo1 zi5 xia4 yu3 he1 cha2 ni3 de5 peng2 you3 zhu4 zai4 na3 li3 lv4 se4 chuang1 "
    "hu5 shi2 jian1 kuai4 le4 shu1 hai3 chun1 tian1 ye2 ye5 ba4 ba5 bu4 dong3 wen4 ti2 feng1",
    "sv": "god morgon jag vill prata med dig om vattnet min mamma lagar en mycket god soppa ingen vet "
    "varför fågeln flyger högt i morgon köper vi bröd och frukt en fattig man flyttar det vita bordet "
    "när det regnar dricker vi var bor din vän gammal hund grönt fönster ord tid lycklig bok hav vår "
    "alltid björn sju öppna",
    "fi": "hyvää huomenta haluan puhua kanssasi vedestä äitini keittää hyvää keittoa kukaan ei tiedä "
    "miksi lintu lentää korkealla huomenna ostamme leipää ja hedelmiä köyhä mies siirtää valkoista "
    "pöytää kun sataa juomme missä ystäväsi asuu vanha koira vihreä ikkuna sana aika onnellinen kirja "
    "meri kevät aina vauva",
    "el": "καλημέρα θέλω να μιλήσω για το νερό η μητέρα μου κάνει μια πολύ καλή σούπα κανείς δεν "
    "ξέρει γιατί το πουλί πετάει ψηλά αύριο αγοράζουμε ψωμί και φρούτα φτωχός άνθρωπος τραπέζι όταν "
    "βρέχει πίνουμε πού μένει ο φίλος σου παλιός παράθυρο λέξη χρόνος βιβλίο θάλασσα άνοιξη πάντα "
    "μπάλα",
    "id": "selamat pagi saya mau bicara dengan kamu tentang air ibu saya memasak sup yang enak sekali "
    "tidak ada orang tahu mengapa burung terbang tinggi besok kami membeli roti dan buah orang miskin "
    "memindahkan meja putih kalau hujan kami minum di mana teman kamu tinggal anjing tua hijau "
    "jendela kata waktu buku peta laut",
    "nl": "goedemorgen ik wil met je praten over het water mijn moeder maakt een heel lekkere soep "
    "niemand weet waarom de vogel zo hoog vliegt morgen kopen we brood en fruit een arme man "
    "verschuift de witte tafel als het regent drinken we waar woont je vriend oude hond groen raam "
    "woord tijd gelukkig boek zee boom bloem wijn huis vuur deur muziek",
}  # fmt: skip
_WORDS_OF: Final[dict[str, str]] = {"es-419": "es", "fr-ch": "fr-be"}
_ONSETS: Final = "b p m f v w t d s sh th n l r k g h j y ch z br pl st sm fr".split()
_RIMES: Final = (
    "ee oo ah ay ow oy igh air or um ob ap if ove am up eb oom ipe arm ush on et ill ug oth".split()
)


def draw_sentence(rng: np.random.Generator, language: str) -> str:
    """One sentence, question, exclamation, list or number in an espeak-ng language.

    Raises ValueError for a language without words.
    """
    if language.startswith("en"):
        return _english(rng)
    words = _WORDS.get(_WORDS_OF.get(language, language))
    if words is None:
        raise ValueError(f"there are no words for the language {language!r}")
    vocabulary = words.split()
    start = int(rng.integers(len(vocabulary)))
    count = int(rng.integers(3, 12))
    chosen = [vocabulary[(start + i) % len(vocabulary)] for i in range(count)]
    if rng.random() < 0.4:
        chosen = [vocabulary[i] for i in rng.integers(len(vocabulary), size=count)]
    if rng.random() < 0.12 and language not in ("cmn-latn-pinyin", "ja"):
        chosen.append(str(int(rng.integers(2, 3000))))
    if count > 5 and rng.random() < 0.4:
        chosen[count // 2] += ","
    return " ".join(chosen) + _pick(rng, (".", ".", ".", "?", "!"))


def _english(rng: np.random.Generator) -> str:
    kind = rng.random()
    if kind < 0.5:
        return _statement(rng) + _pick(rng, (".", ".", ".", "!", "?"))
    if kind < 0.62:
        joint = _pick(rng, ("and", "but", "because", "so", "while"))
        return f"{_statement(rng)}, {joint} {_statement(rng)}."
    if kind < 0.72:
        return _pick(rng, _ENGLISH_PHRASES)
    if kind < 0.8:
        seen = f"{_pick(rng, _ENGLISH_OBJECTS)} {_pick(rng, _ENGLISH_TAILS)}"
        return f"Did {_pick(rng, _ENGLISH_SUBJECTS)} see {seen}?"
    if kind < 0.86:
        return ", ".join(_pick(rng, _ENGLISH_OBJECTS) for _ in range(3)) + "."
    if kind < 0.9:
        return f"It was {int(rng.integers(2, 9999))}, not {int(rng.integers(2, 99))}."
    return " ".join(_invented(rng) for _ in range(int(rng.integers(3, 8)))) + "."


def _statement(rng: np.random.Generator) -> str:
    words = f"{_pick(rng, _ENGLISH_SUBJECTS)} {_pick(rng, _ENGLISH_VERBS)} {_pick(rng, _ENGLISH_OBJECTS)}"
    return f"{words} {_pick(rng, _ENGLISH_TAILS)}" if rng.random() < 0.5 else words


def _invented(rng: np.random.Generator) -> str:
    """A word nobody knows, so that every phone meets every neighbour."""
    return "".join(_pick(rng, _ONSETS) + _pick(rng, _RIMES) for _ in range(int(rng.integers(1, 3))))


def _pick(rng: np.random.Generator, choices: tuple[str, ...] | list[str]) -> str:
    return choices[int(rng.integers(len(choices)))]
