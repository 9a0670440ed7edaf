// Every word of the page, in both languages.

import { recall, remember } from "./dom.js";

/** @typedef {"en" | "ja"} Language */

const EN = {
  other: "日本語",
  skip: "To the content",
  alerts: "Alerts", teach: "Teach", rate: "Rate", descriptions: "Descriptions", health: "Health",
  live: "Live", away: "Box offline", noBroker: "No broker", noServer: "No connection",
  noServerLong: "The console does not answer. It connects again by itself.",
  noBrokerLong: "You can look, but not answer now: the broker cannot be reached. Nothing that was answered is lost.",
  awayLong: "The box is offline. Answers wait at the broker until it is back.",
  noStoreLong: "The box's database cannot be read, so there is no sound here.",
  details: "Details",
  keys: "Keys", close: "Close", cancel: "Cancel", signOut: "Log out",
  who: "Who is answering?", whoHelp: "Your name or your shift. It is kept with each answer.",
  whoLabel: "Name", whoSave: "Go on", whoChange: "Answering as {0}. Change", whoNone: "Who are you?",
  // Alerts
  open: "Open alerts", openCount: "{0} to answer", none: "Nothing to answer",
  noneLong: "New alerts appear here by themselves, within a second.",
  more: "{0} more are not listed",
  wasIt: "Did it sound like this?",
  CRITICAL: "Critical", MAJOR: "Major", MINOR: "Minor", WARNING: "Warning", INDETERMINATE: "Undetermined",
  now: "going on", ago: "{0} ago", second: "{0} s", minute: "{0} min", hour: "{0} h", day: "{0} d",
  lasted: "lasted {0}", score: "Score {0}, threshold {1}", scoreShort: "{0} of {1}",
  spectrogram: "Spectrogram of the sound at {0}",
  play: "Play", pause: "Pause", position: "Position in the sound", cannotPlay: "This browser cannot play it.",
  waitClip: "The sound follows in a moment", noClip: "The sound was not kept", speechDropped: "It held speech and was not kept",
  confirm: "Yes", reject: "No", unsure: "Not sure",
  confirmLong: "Yes, it sounded like this", rejectLong: "No, it was something else", unsureLong: "I cannot say",
  orThis: "Or was it this?", another: "Or another one", choose: "Choose", itWasThis: "It was this", itWas: "It was: {0}",
  fits: "How well do the words fit? (optional)", fits0: "no fit", fits100: "exact",
  answered: "Answered just now", sending: "sending", sent: "sent, the box has not confirmed it yet",
  stored: "stored", storedBefore: "stored already", refused: "refused: {0}", notSent: "not sent: {0}",
  again: "Try again", undo: "Undo", undoing: "being taken back", undone: "taken back", undoRefused: "not taken back: {0}",
  elsewhere: "answered by {0}: {1}", somebody: "somebody else",
  newAlert: "New alert: {0}",
  keyNext: "next alert", keyPrevious: "alert before", keyPlay: "play or pause", keyOther: "it was this one instead", keyHelp: "these keys",
  // Teaching
  missedTitle: "It did not hear that", missedLong: "You heard an error and no alert came? Say so within ten minutes: the box still has the sound in its memory.",
  teachTitle: "Teach a sound", teachLong: "Choose, press, and make the noise. The box keeps it as an example.",
  which: "What was it?", whichTeach: "What is it?", where: "Microphone", whenHeard: "When?", lastHalf: "in the last half minute", lastMinute: "in the last minute",
  lastTwo: "1 to 2 minutes ago", lastFour: "2 to 4 minutes ago", lastSix: "4 to 6 minutes ago", lastEight: "6 to 8 minutes ago", lastTen: "8 to 9½ minutes ago",
  report: "Report it", listen: "Listen", forSeconds: "for {0} s", recording: "Make the noise now: {0}", noDescriptions: "There are no descriptions yet.",
  timeline: "The last minutes", timelineLong: "Level, and where a description came near. Move the mark to the sound, listen, and report it.", timelineMark: "Moment", timelineAt: "{0} before now: {1}", timelineQuiet: "nothing near",
  look: "Show the last minutes", looking: "asking the box", lookFailed: "Nothing to see: {0}", hearIt: "Listen", markIt: "The marked moment",
  caught: "What was caught", soundAsked: "asked the box", soundHeard: "listening", soundKept: "kept; the box is learning it",
  soundSure: "The box is sure of it: the rest of the sound scores {0}, it alarms at {1}.", soundUnsure: "The box is not sure of it yet: the rest of the sound scores {0}, it alarms at {1}. Teach it once more.",
  soundShort: "Kept. It is too short to try the box on the rest of it.", soundAside: "It does not count as an example: {0}",
  soundLike: "Could be confused with: {0}", soundFailed: "Nothing was kept: {0}", discard: "Discard", discarded: "discarded", discarding: "being discarded", notDiscarded: "not discarded: {0}",
  // Rating
  rateTitle: "Rate sounds", rateWho: "Start", rateIntro: "Listen, and say how well the sentence fits what you hear.",
  progress: "{0} of {1}",
  rateNone: "There is nothing to rate", rateNoneLong: "Choose pairs with python -m training select, and name the file as console.tasks in agent.yaml.",
  rateFirst: "Play the recording first", rateSlider: "How well it fits, 0 to 100", noValue: "no value yet",
  rateHint: "Touch a mark or the line, then adjust. There is no value until you do.",
  next: "Next", cannotSay: "Cannot say",
  a0: "nothing in common", a25: "something in common", a50: "half of it: right kind, wrong detail", a75: "this, with something beside it or not quite", a100: "exactly this",
  e0: "air hisses; a fan hums", e25: "a hammer on steel; a metal door shuts", e50: "a wooden pallet drops; a part drops into a box", e75: "the same, half hidden by a compressor", e100: "a bolt falls on concrete and rings",
  anchors: "What the numbers mean", anchorsFor: "Example: “a metal part drops on the floor with a clang”",
  rateTips: "Rate what is heard, not what you know of the machine. Use the values between. If you cannot decide, play it once more, then take the middle.",
  rateKeys: "Space plays; 1 to 5 choose a mark; the arrows adjust; Enter goes on.",
  breakTime: "You have rated for 20 minutes. Take a break; everything is kept.",
  done: "Done. Thank you.", steady: "{0} recordings came twice; your two ratings are {1} points apart on average.",
  unsteady: "That is much: take a break, and look at the marks again.",
  rateFailed: "Not kept: {0}",
  // Descriptions
  hears: "Does it hear this?", hearsLong: "Make the noise and watch: a bar that reaches the mark would raise an alert.",
  scoresOff: "Live scores are switched off. Write this in agent.yaml and start the agent again:",
  heard: "heard", off: "switched off", auto: "auto", autoNow: "auto, of the model", setBy: "set by {0}, {1}",
  threshold: "threshold {0}", editor: "Edit the descriptions", editorLabel: "Descriptions as YAML",
  readOnly: "The console may not write this file. You can try changes here, but not save them.",
  problems: "{0} problems", problem: "1 problem", noProblem: "Nothing is wrong: {0} descriptions", notes: "worth a look: {0}", checking: "checking",
  line: "Line {0}", save: "Save", saved: "Saved. The box takes it over within two seconds.", revert: "Discard changes",
  conflict: "Somebody else has saved meanwhile. Copy your changes, then load the file again.", load: "Load again",
  inForce: "In force at the box: {0} descriptions, since {1}", sameAsFile: "This file is in force.", notYet: "The box is reading the new file.",
  boxRefused: "The box refused the file and goes on with the last good one:", saveFailed: "Not saved: {0}",
  // Health
  ok: "All is well", degraded: "Something needs you", starting: "Starting", stopped: "Stopped", unknown: "Nothing heard from the box yet",
  sources: "Microphones", level: "{0} dBFS", silence: "silence",
  s_ok: "delivers sound", s_silent: "silent", s_clipped: "too loud", s_lost: "lost", s_overrun: "loses sound", s_null: "unknown",
  facts: "The box", version: "Version", model: "Model", described: "Descriptions", uptime: "Running for", lag: "Behind the sound", dropped: "Windows lost lately",
  clock: "Clock", synced: "set from a reference", unsynced: "not set from a reference", outbox: "Messages waiting", openAlerts: "Alerts to answer",
  counters: "Counters since the start", console: "Console", broker: "Broker", database: "Database", fine: "connected", readable: "readable", mutes: "Muted",
  muteAll: "everything", until: "{0} until {1}",
  p_source: "source {0}", p_signal: "signal {0}", p_broker: "broker", p_store: "store", p_clips: "clips", p_calibration: "calibration",
  p_background: "background", p_descriptions: "descriptions", p_muted: "muted", p_inference: "inference", p_metrics: "metrics", p_home_assistant: "Home Assistant",
  // Coming in
  login: "Log in", password: "Password", wrong: "This is not the password.", wait: "Too many attempts. Wait {0} seconds.",
  setup: "Set a password", setupLong: "Whoever opens this page from another machine will need it.", token: "Token from the log of the console",
  wrongToken: "This is not the token. It stands in the log of the console, after setup#.", short: "Write at least {0} characters.", twice: "Once more",
  notSame: "The two are not the same.", setupGo: "Set it", failed: "It failed: {0}",
};

/** @type {Record<keyof typeof EN, string>} */
const JA = {
  other: "English",
  skip: "本文へ",
  alerts: "アラート", teach: "教える", rate: "評価", descriptions: "説明文", health: "状態",
  live: "受信中", away: "装置オフライン", noBroker: "ブローカー不通", noServer: "接続なし",
  noServerLong: "コンソールが応答しません。自動でつなぎ直します。",
  noBrokerLong: "見ることはできますが、いまは回答できません。ブローカーにつながりません。回答済みのものは失われません。",
  awayLong: "装置がオフラインです。回答は、装置が戻るまでブローカーで待ちます。",
  noStoreLong: "装置のデータベースを読めないため、ここでは音を聞けません。",
  details: "詳しく",
  keys: "キー操作", close: "閉じる", cancel: "やめる", signOut: "ログアウト",
  who: "どなたが回答しますか", whoHelp: "お名前か班の名前を入れてください。回答といっしょに記録されます。",
  whoLabel: "名前", whoSave: "続ける", whoChange: "{0} として回答中。変更", whoNone: "名前を入れる",
  open: "回答待ちのアラート", openCount: "回答待ち {0} 件", none: "回答待ちはありません",
  noneLong: "新しいアラートは、1 秒以内にここへ自動で表示されます。",
  more: "ほかに {0} 件あります",
  wasIt: "この音でしたか",
  CRITICAL: "緊急", MAJOR: "重大", MINOR: "軽微", WARNING: "注意", INDETERMINATE: "未定",
  now: "継続中", ago: "{0}前", second: "{0} 秒", minute: "{0} 分", hour: "{0} 時間", day: "{0} 日",
  lasted: "長さ {0}", score: "スコア {0}、しきい値 {1}", scoreShort: "{0} / {1}",
  spectrogram: "{0} の音のスペクトログラム",
  play: "再生", pause: "一時停止", position: "再生位置", cannotPlay: "このブラウザーでは再生できません。",
  waitClip: "音はまもなく届きます", noClip: "音は保存されていません", speechDropped: "人の声が入っていたため保存していません",
  confirm: "はい", reject: "いいえ", unsure: "わからない",
  confirmLong: "はい、この音でした", rejectLong: "いいえ、別の音でした", unsureLong: "どちらとも言えません",
  orThis: "それとも、こちらの音でしたか", another: "ほかの説明文から選ぶ", choose: "選んでください", itWasThis: "この音でした", itWas: "実際の音: {0}",
  fits: "説明文はどのくらい合っていますか（任意）", fits0: "合わない", fits100: "ぴったり",
  answered: "いま回答したもの", sending: "送信中", sent: "送信済み。装置の確認を待っています",
  stored: "保存しました", storedBefore: "すでに保存済みです", refused: "受け付けられません: {0}", notSent: "送信できません: {0}",
  again: "もう一度", undo: "取り消す", undoing: "取り消し中", undone: "取り消しました", undoRefused: "取り消せません: {0}",
  elsewhere: "{0} が回答: {1}", somebody: "ほかの人",
  newAlert: "新しいアラート: {0}",
  keyNext: "次のアラート", keyPrevious: "前のアラート", keyPlay: "再生・一時停止", keyOther: "実際は別のこの音でした", keyHelp: "キー操作の一覧",
  missedTitle: "聞き逃しを知らせる", missedLong: "異常音がしたのにアラートが出ませんでしたか。10 分以内に知らせてください。装置はまだその音を覚えています。",
  teachTitle: "音を教える", teachLong: "選んで、押して、音を立ててください。装置が見本として覚えます。",
  which: "何の音でしたか", whichTeach: "何の音ですか", where: "マイク", whenHeard: "いつごろ", lastHalf: "この 30 秒のうち", lastMinute: "この 1 分のうち",
  lastTwo: "1〜2 分前", lastFour: "2〜4 分前", lastSix: "4〜6 分前", lastEight: "6〜8 分前", lastTen: "8〜9 分半前",
  report: "知らせる", listen: "聞かせる", forSeconds: "{0} 秒間", recording: "いま音を立ててください: {0}", noDescriptions: "説明文がまだありません。",
  timeline: "直前の数分", timelineLong: "音の大きさと、説明文に近づいたところです。印を音のところへ動かし、聞いて、知らせてください。", timelineMark: "時点", timelineAt: "{0}前: {1}", timelineQuiet: "近いものなし",
  look: "直前の数分を見る", looking: "装置に頼んでいます", lookFailed: "見られません: {0}", hearIt: "聞く", markIt: "印を付けた時点",
  caught: "録れた音", soundAsked: "装置に頼みました", soundHeard: "聞いています", soundKept: "保存しました。装置が覚えています",
  soundSure: "装置は聞き分けられます。残りの区間のスコアは {0}、アラートになるのは {1} からです。", soundUnsure: "まだ確かではありません。残りの区間のスコアは {0}、アラートになるのは {1} からです。もう一度教えてください。",
  soundShort: "保存しました。短いため、残りの区間では試せません。", soundAside: "見本として使いません: {0}",
  soundLike: "紛らわしいもの: {0}", soundFailed: "保存していません: {0}", discard: "捨てる", discarded: "捨てました", discarding: "捨てています", notDiscarded: "捨てられません: {0}",
  rateTitle: "音の評価", rateWho: "始める", rateIntro: "音を聞いて、文がどのくらい合っているかを答えてください。",
  progress: "{0} / {1}",
  rateNone: "評価するものがありません", rateNoneLong: "python -m training select で組を選び、そのファイルを agent.yaml の console.tasks に書いてください。",
  rateFirst: "先に音を再生してください", rateSlider: "どのくらい合っているか、0 から 100", noValue: "まだ値がありません",
  rateHint: "目印か線に触れてから、細かく合わせてください。触れるまで値はありません。",
  next: "次へ", cannotSay: "答えられない",
  a0: "共通点がない", a25: "少し共通する", a50: "半分: 種類は合うが細部が違う", a75: "これだが、ほかの音が混ざるか少し違う", a100: "まさにこれ",
  e0: "空気が漏れる音、送風機のうなり", e25: "鋼をたたくハンマー、金属の扉が閉まる音", e50: "木のパレットが落ちる、部品が箱に落ちる", e75: "同じ音が、コンプレッサーに半ば隠れている", e100: "ボルトがコンクリートに落ちて響く",
  anchors: "数字の意味", anchorsFor: "例: 「金属部品が床に落ちてガシャンと鳴る」",
  rateTips: "機械について知っていることではなく、聞こえたことを評価します。間の値も使ってください。迷ったら、もう一度聞いて中間の値にします。",
  rateKeys: "スペースで再生、1〜5 で目印、矢印で調整、Enter で次へ。",
  breakTime: "20 分間評価しました。休憩してください。すべて保存されています。",
  done: "終わりました。ありがとうございました。", steady: "{0} 個の録音は二度出ました。二つの評価の差は平均 {1} 点です。",
  unsteady: "差が大きめです。休憩して、目印をもう一度見てください。",
  rateFailed: "保存できません: {0}",
  hears: "聞こえていますか", hearsLong: "音を立てて、見てください。印まで届いた棒は、アラートになる音です。",
  scoresOff: "スコアの配信が切れています。agent.yaml に次のように書き、エージェントを再起動してください。",
  heard: "聞こえた", off: "無効", auto: "自動", autoNow: "自動、モデルの値", setBy: "{0} が設定、{1}",
  threshold: "しきい値 {0}", editor: "説明文を編集", editorLabel: "説明文（YAML）",
  readOnly: "コンソールはこのファイルに書き込めません。ここで試すことはできますが、保存はできません。",
  problems: "{0} か所の誤り", problem: "1 か所の誤り", noProblem: "誤りはありません。説明文 {0} 件", notes: "確認したい点 {0} 件", checking: "確認中",
  line: "{0} 行目", save: "保存", saved: "保存しました。装置は 2 秒以内に読み込みます。", revert: "変更を捨てる",
  conflict: "ほかの人が先に保存しました。変更を控えてから、読み込み直してください。", load: "読み込み直す",
  inForce: "装置で有効: 説明文 {0} 件、{1} から", sameAsFile: "このファイルが有効です。", notYet: "装置が新しいファイルを読んでいます。",
  boxRefused: "装置はこのファイルを受け付けず、前のもので続けています。", saveFailed: "保存できません: {0}",
  ok: "正常です", degraded: "対応が必要です", starting: "起動中", stopped: "停止", unknown: "装置からまだ何も届いていません",
  sources: "マイク", level: "{0} dBFS", silence: "無音",
  s_ok: "受信中", s_silent: "無音", s_clipped: "音が大きすぎる", s_lost: "切断", s_overrun: "取りこぼし", s_null: "不明",
  facts: "装置", version: "バージョン", model: "モデル", described: "説明文", uptime: "稼働時間", lag: "音からの遅れ", dropped: "最近の取りこぼし",
  clock: "時計", synced: "同期済み", unsynced: "同期していません", outbox: "送信待ち", openAlerts: "回答待ち",
  counters: "起動からの集計", console: "コンソール", broker: "ブローカー", database: "データベース", fine: "接続中", readable: "読めます", mutes: "消音中",
  muteAll: "すべて", until: "{0}、{1} まで",
  p_source: "音源 {0}", p_signal: "信号 {0}", p_broker: "ブローカー", p_store: "保存先", p_clips: "録音", p_calibration: "較正",
  p_background: "背景音", p_descriptions: "説明文", p_muted: "消音中", p_inference: "推論", p_metrics: "メトリクス", p_home_assistant: "Home Assistant",
  login: "ログイン", password: "パスワード", wrong: "パスワードが違います。", wait: "試行が多すぎます。{0} 秒待ってください。",
  setup: "パスワードを決める", setupLong: "ほかの機械からこのページを開くときに必要になります。", token: "コンソールのログにあるトークン",
  wrongToken: "トークンが違います。コンソールのログの setup# の後にあります。", short: "{0} 文字以上にしてください。", twice: "もう一度",
  notSame: "二つが一致しません。", setupGo: "決定", failed: "失敗しました: {0}",
};

// Why something is wrong or refused, by code. The English comes with each (agent/core/reasons.py).
/** @type {Record<string, string>} */
const REASONS_JA = {
  other: "{detail}",
  // 音源
  source_starting: "起動中です。まだ音が届いていません。",
  source_hung: "呼び出しが {seconds} 秒たっても戻りません。デバイス、ディスク、サウンドサーバーを確かめ、直らなければエージェントを再起動してください。",
  source_ended: "音が終わりました。", source_empty: "音が届かないまま終わりました。",
  source_overrun: "装置の処理が追いつかず、音を取りこぼしました。ほかの処理を減らしてください。",
  source_quiet: "{seconds} 秒間、音が届いていません。送り側を確かめてください。",
  source_failed: "音を受け取れません（{detail}）。", source_not_open: "音源「{source}」が開かれていません。",
  sender_quiet: "音源「{source}」から {seconds} 秒間、何も届いていません。", sender_unreadable: "音源「{source}」から届いたものを読めません（{detail}）。",
  sender_not_samples: "音源「{source}」のサンプルの {percent}% が数値でないか範囲を大きく外れており、{encoding} ではありません。agent.yaml の format、rate_hz、channels（または --format s16le --rate 16000 --channels 1）で、送られる形式を指定してください。",
  input_terminal: "標準入力が端末です。音を送ってください: arecord -f S16_LE -r 48000 -t wav | kikimimi run",
  input_closed: "標準入力が閉じています。音を送ってください。", ffmpeg_missing: "ffmpeg がありません。apt-get install ffmpeg で入れてください。",
  stream_scheme: "ストリーム「{url}」は読めません。{schemes} のいずれかで始まる URL を書いてください。",
  stream_lost: "ストリーム「{url}」が切れました（{detail}）。", stream_ended: "ストリーム「{url}」が終わりました。",
  stream_without_sound: "ストリーム「{url}」に音声がありません。カメラの映像設定で音声を有効にするか、音声のあるストリームの URL を書いてください。",
  stream_one_track: "ストリーム「{url}」の音声トラックは 1 本だけで、{track} はありません。track: 1 と書いてください。",
  stream_tracks: "ストリーム「{url}」の音声トラックは {tracks} 本で、{track} はありません。track に 1 から {tracks} を書いてください。",
  stream_other_tracks: "または、ストリームの別の音声トラックを選んでください: {tracks}", stream_track_empty: "または、カメラのマイクを有効にしてください。ストリームの唯一の音声トラックが空です。",
  device_ambiguous: "「{device}」に当てはまる入力デバイスが {count} 台あります（{found}）。名前をもっと詳しく書いてください。",
  device_none: "デバイス「{device}」が見つかりません。この装置に入力デバイスがありません。マイクをつなぎ、ユーザーを audio グループに入れてください。",
  device_unknown: "デバイス「{device}」が見つかりません。入力デバイス: {found}。default か名前の一部を書いてください。",
  device_waits: "デバイス「{device}」は、ほかのマイクが閉じてサウンドカードを調べ直せるのを待っています。",
  device_channels: "デバイス「{device}」の入力チャンネルは {channels} 個で、{wanted} はありません。1 から {channels} を選んでください。",
  device_busy: "デバイス「{device}」を開けません（{detail}）。ほかのプログラムが使っていませんか。", device_not_open: "デバイス「{device}」が開かれていません。",
  device_stopped: "デバイス「{device}」が勝手に止まりました。差し込みとサウンドサーバーを確かめてください。",
  device_quiet: "デバイス「{device}」から {seconds} 秒間、何も届いていません。差し込みとサウンドサーバーを確かめてください。",
  device_hung: "{device} が {seconds} 秒以内に応答しません。サウンドサーバーを再起動してください。", device_still_hung: "{device} がまだ応答しません。サウンドサーバーを再起動してください。",
  cards_changed: "サウンドカードの構成が変わったため、開き直しています。", portaudio_missing: "PortAudio がありません。apt-get install libportaudio2 で入れてください。",
  device_not_closed: "サウンドデバイスを閉じられません（{detail}）。",
  portaudio_not_started: "PortAudio を起動できません（{detail}）。", portaudio_no_list: "PortAudio がサウンドデバイスを調べられません（{detail}）。",
  // 信号
  signal_stuck: "値が {seconds} 秒間 {value} のまま動きません。ケーブルと変換器を確かめてください。",
  signal_silent: "{seconds} 秒間、完全な無音です。差し込み、ミュート、ゲインを確かめてください。",
  signal_clipped: "サンプルの {percent} % が振り切れています。ゲインを下げてください。",
  signal_offset: "信号の中心がフルスケールの {percent} % ずれています（直流成分）。変換器、ケーブル、ファンタム電源を確かめてください。",
  level_louder: "直近 1 日の音が、最初の 1 週間のどの日よりも {decibels} dB 大きくなっています。マイクの位置、覆い、ゲインを確かめてください。",
  level_quieter: "直近 1 日の音が、最初の 1 週間のどの日よりも {decibels} dB 小さくなっています。マイクの位置、覆い、ゲインを確かめてください。",
  level_as_it_should: "これで正しければ、{file} を削除して起動し直してください。",
  channel_dead: "チャンネル {channel} に音がありません。", channels_dead: "ほかのチャンネルに音がありません。",
  channels_cancel: "チャンネル {first} と {last} が打ち消し合っています。片方の極性が逆です（2 本の線の入れ違い）。",
  channels_weaken: "チャンネル {first} と {last} が {hertz} Hz 付近で {decibels} dB 弱め合っています。片方の音が遅れているか、極性が逆です。",
  channel_alone: "チャンネル {channel} だけを聞いています。agent.yaml に channels: [{channel}] と書いてください。",
  // 装置のほかの部分
  broker_away: "MQTT ブローカーにつながりません。ブローカーと agent.yaml の mqtt を確かめてください（{detail}）。",
  broker_refuses: "MQTT ブローカーが一部を受け付けません。アクセス権の設定を確かめてください（{detail}）。",
  store_refuses: "ディスクに保存できません（{detail}）。", store_in_memory: "直るまで、アラートはメモリーに保持します。",
  speech_unsearched: "人の声を調べられないため、音を保存していません（{detail}）。",
  clip_not_written: "{folder} に録音を書けません（{detail}）。ディスクを空けるか、state_dir を直してください。",
  clips_not_deleted: "古い録音を削除できません（{folder}: {detail}）。state_dir を直してください。",
  clips_failed: "録音で内部エラーが起きました（{detail}）。ログを見てください。",
  inference_slow: "起動から {dropped} 個の窓を取りこぼしました。windows.hop_s と音源の数に対して、この装置は遅すぎます。",
  calibration_trouble: "較正に問題があります（{detail}）。",
  calibration_none: "較正がまだなので、{count} 件はモデルのしきい値で判定します。kikimimi calibrate を実行してください。",
  calibration_made: "{made} までの {hours} 時間で較正しました。", calibration_new: "{error_id} は較正の後に加わりました。しきい値は、残してある背景音から決め直します。",
  calibration_reworded: "{error_id} は較正の後に書き換えられました。しきい値は、残してある背景音から決め直します。",
  calibration_short: "{error_id} は、較正するには聞いた時間が足りません。", calibration_longer: "もっと長く kikimimi calibrate を実行してください。",
  background_shifted: "直近 1 時間の背景音が、較正したときと違います。マイクを確かめるか、いまの音が普通なら kikimimi calibrate を実行してください（{detail}）。",
  descriptions_refused: "説明文のファイルに誤りがあり、前のもので続けています（{detail}）。",
  metrics_not_served: "{address} で待ち受けできません（{detail}）。そこを使っているものを終えるか、metrics.host と metrics.port を直してください。",
  attachment_failed: "内部エラーが起きました（{detail}）。ログを見て、エージェントを起動し直してください。",
  muted: "{descriptions}: 消音中です。解除するには cmd/mute を duration_s 0 で送ってください。", muted_all: "すべて消音中です。解除するには cmd/mute を duration_s 0 で送ってください。",
  // コマンド
  request_wrong: "要求に誤りがあります（{detail}）。",
  command_unknown: "{command} というコマンドはありません。使えるもの: {known}", command_misspelt: "{command} というコマンドはありません。{near} ではありませんか。",
  command_too_often: "{command} が多すぎます。{seconds} 秒待ってください。", command_retained: "保持（retain）つきのため無視しました。retain なしで送ってください。",
  command_waited: "ブローカーで待っていた古い要求かもしれません。装置はつながったばかりで、時計が合っていません。{seconds} 秒後に送り直すか、MQTT 5 で有効期限を {most} 秒以下にして送ってください。",
  correlation_too_long: "correlation data が {size} バイトあります。{most} バイト以下にしてください。",
  response_topic: "応答トピック {topic} は使えません。{result}/ の下か、{prefix}/ の外を指定してください。",
  mute_too_long: "duration_s が {seconds} で、commands.mute_longest_s を超えています。{most} 以下にしてください。",
  time_past: "ts が {seconds} 秒前です。いまの時刻で送り直してください。", time_ahead: "ts が {seconds} 秒先です。いまの時刻で送り直してください。",
  clock_ahead: "ts が {seconds} 秒先です。送り側の時計を合わせて送り直してください。",
  description_unknown: "error_id {error_id} という説明文はありません。説明文の id を書いてください。", description_misspelt: "error_id {error_id} という説明文はありません。{near} ではありませんか。",
  verdict_other: "error_id は「別のこの音だった」という意味で、verdict が {verdict} のときは使えません。verdict を reject にするか、error_id を外してください。",
  verdict_itself: "error_id {error_id} はこのアラート自身です。別の説明文の id を書くか、error_id を外して confirm を送ってください。",
  verdicts_full: "このアラートへの回答は {most} 件に達しました。これ以上は保存しません。", verdict_none: "{operator} さんの回答で、取り消せるものがありません。",
  undo_too_late: "回答から {seconds} 秒たっており、取り消せるのは {most} 秒以内です。代わりに新しく回答してください。", undone_already: "すでに別の要求で取り消されています。",
  threshold_outside: "しきい値 {threshold} は設定できません。この装置で設定できるのは {lowest} から {highest} まで（commands.threshold_lowest、threshold_highest）か auto です。",
  threshold_none: "{operator} さんが {error_id} に設定したしきい値で、取り消せるものがありません。",
  threshold_undo_too_late: "しきい値の設定から {seconds} 秒たっており、取り消せるのは {most} 秒以内です。代わりに別の値か auto を設定してください。",
  alert_unreadable: "アラート {alert_id} を調べられません。装置のデータベースを読めません（状態を見てください）。あとで送り直してください。",
  alert_unknown: "アラート {alert_id} はこの装置にありません。メッセージにある id を書いてください。",
  request_used: "request_id {request_id} は別の要求に使われています。要求ごとに新しくしてください。",
  clips_busy: "ほかの録音を送っています。最後の部分が届くまで待ってください。",
  clip_none: "アラート {alert_id} の録音はありません。終わってから数秒後に書かれ、期限か容量を過ぎると消えます。",
  clip_spoken: "{alert_id} の {kind} は、人の声が入っていたため保存していません。", clip_not_kept: "{alert_id} の {kind} は保存していません。",
  clip_unreadable: "{alert_id} の {kind} を読めません（{detail}）。", clip_too_large: "{alert_id} の {kind} は {most} バイトを超えています。state_dir からコピーしてください。",
  memory_off: "ここでは音を記憶していません。agent.yaml に clips.enabled: true と clips.memory: 10min を書き、エージェントを起動し直してください。",
  memory_empty: "音源 {source} の音はまだ記憶されていません。数秒待ってください。",
  source_unknown: "音源 {source} はこの機器にありません。{known} のどれかを書いてください。",
  span_long: "from と to が {seconds} 秒離れています。{most} 秒以内にしてください。",
  span_outside: "音源 {source} の記憶は、この機器の時計で {begin} から {end} までです。その中を指定してください。",
  clips_waiting: "ほかの録音を書いています。{seconds} 秒後にもう一度送ってください。",
  teaching_busy: "すでに {most} 件の音を待っています。一つ届いてから、もう一度送ってください。",
  teaching_unheard: "音源 {source} の音が時間内に届きませんでした。health で音源の状態を確かめてください。",
  teaching_silent: "音源 {source} はその間、完全な無音でした。差し込み、ミュート、ゲインを確かめてください。",
  recent_spoken: "人の声が入っているため、{kind} は送りません。",
  // 使わない録音
  recording_ordinary: "この現場の普段の音と区別がつきません。", recording_contradicted: "ほぼ同じ音に「いいえ」と回答されています。",
  recording_silent: "完全な無音です。録音した機器の差し込み、ミュート、ゲインを確かめてください。",
  recording_silences: "使うと、「はい」と回答された音 {count} 件が聞こえなくなります。",
  recording_clip_deleted: "録音が削除されています。", recording_other_bundle: "別のモデルが聞いた音で、録音が残っていません。",
  recording_outside: "{file} は録音のフォルダーの外にあります。", recording_unreadable: "録音を読めません（{detail}）。",
  recording_changed: "保存された特徴量が {joint} 個と {acoustic} 個で、このモデルと合いません。データベースの行が書き換えられています。",
  // コンソール
  not_sent: "ブローカーに送れませんでした（{detail}）。", mqtt_off: "agent.yaml の mqtt.enabled が false です。アラートは見られますが、回答はできません。",
  database_missing: "{file} がありません。エージェントを起動するか、--config でその agent.yaml を指定してください。",
  database_unreadable: "データベースを読めません（{detail}）。", not_written: "書き込めません（{detail}）。",
  host_unknown: "{host} はこのコンソールの名前ではありません。console.names に加えてください。", body_too_large: "{most} バイト以下で送ってください。",
  not_logged_in: "先にログインしてください。", other_page: "別のページからの要求です。", session_other: "この接続のトークンではありません。ページを読み込み直してください。",
  not_json: "application/json で送ってください。", no_file: "そのファイルはありません。", console_failed: "コンソールでエラーが起きました。コンソールのログを見てください。",
  pages_full: "開いているページが多すぎます。いくつか閉じてください。", media_not_kept: "保存されていません。",
  text_missing: "本文を送ってください。", base_missing: "本文と、もとになったファイルのハッシュを送ってください。", text_problems: "{count} か所の誤りがあります。最初は {line} 行目です。",
  address_wrong: "アドレスがアラートを指していません。", password_set: "パスワードはすでに決まっています。",
  nothing_to_rate: "評価するものがありません。agent.yaml の console.tasks を指定してください。", no_recording: "その録音はありません。",
  rating_range: "0 から {most} の整数を書いてください。", rating_unheard: "評価する前に録音を再生してください。",
  raters_full: "{most} 人が評価しました。これ以上は受け付けません。", rating_done: "これはすでに評価済みです。ページを読み込み直してください。",
};

const ALL = { en: EN, ja: JA };
const kept = recall("language");

/** @type {Language} */
let language = kept === "en" || kept === "ja" ? kept : navigator.language.startsWith("ja") ? "ja" : "en";
document.documentElement.lang = language;

export const current = () => language;

/** @param {Language} wanted */
export function choose(wanted) {
  language = wanted;
  remember("language", wanted);
  document.documentElement.lang = wanted;
}

/**
 * A text in the language of the page.
 * @param {keyof typeof EN} key
 * @param {...(string | number)} values that stand for {0}, {1} …
 */
export function t(key, ...values) {
  const text = ALL[language][key] ?? String(key);
  return text.replace(/\{(\d)\}/g, (_, at) => String(values[Number(at)]));
}

/**
 * Why something is wrong or refused, in the language of the page: what comes may be of a box that is newer or older.
 * @param {string | undefined | null} text in English
 * @param {any} [codes] what it was made from
 * @returns {string} the English where there is no other word for it, empty where there is nothing
 */
export function why(text, codes) {
  const known = Array.isArray(codes) && codes.length > 0 && codes.every((coded) => Object.hasOwn(REASONS_JA, coded?.code));
  if (language !== "ja" || !known) return text ?? "";
  return codes.map(({ code, parameters }) => REASONS_JA[code].replace(/\{(\w+)\}/g, (_, name) => String(parameters?.[name] ?? "?"))).join(" ");
}

/** What a part of the box is called. @param {string} part such as `broker` or `source mic1` @returns {string} */
export function partName(part) {
  const [kind, ...rest] = part.split(" ");
  return Object.hasOwn(EN, `p_${kind}`) ? t(/** @type {any} */ (`p_${kind}`), rest.join(" ")) : part;
}

/** @param {string} severity @returns {string} */
export const severityName = (severity) => t(/** @type {any} */ (severity in EN ? severity : "INDETERMINATE"));

/** @param {number} seconds @returns {string} */
export function span(seconds) {
  const whole = Math.max(0, seconds);
  if (whole < 60) return t("second", whole < 10 && whole % 1 >= 0.05 ? whole.toFixed(1) : Math.floor(whole));
  if (whole < 3600) return t("minute", Math.floor(whole / 60));
  if (whole < 86400) return t("hour", Math.floor(whole / 3600));
  return t("day", Math.floor(whole / 86400));
}

/** @param {number} at UTC seconds @returns {string} local time, with the day unless it is today */
export function clock(at) {
  const moment = new Date(at * 1000);
  /** @type {Intl.DateTimeFormatOptions} */
  const time = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  const today = moment.toDateString() === new Date().toDateString();
  /** @type {Intl.DateTimeFormatOptions} */
  const day = today ? {} : { month: "short", day: "numeric" };
  return new Intl.DateTimeFormat(language, { ...day, ...time }).format(moment);
}
