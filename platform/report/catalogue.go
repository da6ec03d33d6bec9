package report

import (
	"fmt"
	"strings"
)

// Text is the same words in Chinese and English.
type Text struct{ Zh, En string }

// In returns the words of one language.
func (t Text) In(l Lang) string {
	if l == En {
		return t.En
	}
	return t.Zh
}

// Lang is the language of a report.
type Lang string

// The languages.
const (
	Zh Lang = "zh-CN"
	En Lang = "en"
)

// catalogue is every word the reports print that is not data. Some take
// arguments, in the same order in both languages.
var catalogue = map[string]Text{
	"product": {"网格 Wangge · 数字化城市管理平台", "Wangge · digital urban management"},

	"ranking.title":      {"城市管理月度排名", "Monthly ranking of cities"},
	"ranking.edition":    {"第 %d 期", "edition %d"},
	"ranking.asof":       {"数据截至 %s", "figures as of %s"},
	"ranking.correction": {"更正", "Correction"},
	"ranking.corrects":   {"本期更正前一期，前一期哈希值：", "This edition corrects the one before, whose hash is "},
	"ranking.example":    {"示例规程", "Example protocol"},
	"ranking.ranked":     {"参加排名的城市", "Cities ranked"},
	"ranking.of":         {"共 %d 个城市", "of %d cities"},
	"ranking.overall":    {"全部城市合计", "all cities together"},
	"ranking.places":     {"名次", "Places"},
	"ranking.rank":       {"名次", "Rank"},
	"ranking.city":       {"城市", "City"},
	"ranking.score":      {"得分", "Score"},
	"ranking.tied":       {"并列", "tied"},
	"ranking.scale":      {"刻度 %s–%s", "scale %s–%s"},
	"ranking.chance":     {"各率下方为 95% 置信区间（Wilson）与案卷数 n。区间重叠的城市，名次先后可能只是偶然，不宜据以论优劣。细竖线为参排城市的中位数。", "Under each rate stand its 95 % interval (Wilson) and the number of cases n. Where intervals overlap, the order of cities may be chance and should not be read as better or worse. The thin line is the median of the ranked cities."},
	"ranking.tiers":      {"同一档内的城市，凭本月案卷分不出高低，不作先后之分；档与档之间的差距超过了偶然所能解释的范围。“名次范围”是把偶然计入之后该市名次所在的区间（十次模拟有九次）。", "Cities of one tier can't be told apart by this month's cases and are in no order; the gap between tiers is larger than chance explains. The range of ranks is where a city's rank lies once chance is counted in (nine draws of ten)."},
	"ranking.tier":       {"第 %d 档", "Tier %d"},
	"ranking.tierof":     {"%d 个城市", "%d cities"},
	"ranking.range":      {"名次范围", "Range of ranks"},
	"ranking.byscore":    {"得分序 %d", "by score %d"},
	"ranking.tierlabel":  {"档次", "Tier"},
	"ranking.ranklow":    {"名次自", "Rank from"},
	"ranking.rankhigh":   {"名次至", "Rank to"},
	"ranking.steady":     {"稳健得分", "Steady score"},
	"ranking.first":      {"居首次数（千次模拟）", "Best, of 1,000 draws"},
	"ranking.lift":       {"提升空间最大：%s，达到最好城市水平可加 %s 分", "would lift it most: %s, +%s points at the best city's level"},
	"ranking.tierrule":   {"档次与名次范围：各市得分的抽样误差按其案卷数与全省合计率计算，各项指标的误差按权重相加（偏保守）。案卷越少，得分越向全省均值收缩（稳健得分）。分档处须比“各市完全相同”的一千次模拟中同样排序、同样划分所见的差距更大（各率在 90% 左右时误分概率约 4%；接近 100% 且案卷少时可达 15%）。随机种子由规程与月份确定，任何人可以重算。", "Tiers and ranges: a score's sampling error comes from the number of its cases at the rate of all cities together, errors of indicators added by weight, which is cautious. The fewer the cases, the closer the score is drawn to the mean (steady score). A boundary of tiers must be wider than in a thousand draws of equal cities, ordered and divided in the same way (wrong in some 4 of 100 months at rates about 90 %, and in up to 15 at rates near 100 % of few cases). The seed follows from protocol and month, so that anybody can repeat it."},
	"ranking.nobody":     {"本月没有城市达到参加排名的条件。", "No city meets the conditions for a rank this month."},
	"ranking.unranked":   {"未排名的城市", "Cities without a rank"},
	"ranking.why":        {"原因", "Reason"},
	"ranking.volume":     {"%s（件）", "%s (cases)"},
	"ranking.notzero":    {"未排名不等于零分：这些城市本月没有可以比较的数据。", "No rank is not a score of zero: these cities have no figures that could be compared this month."},
	"ranking.rule":       {"计分规程", "How the score is made"},
	"ranking.formula":    {"得分 = Σ（权重 × 指标分）÷ Σ 权重。指标分为该率 × 100；越低越好的指标取 100 减去该率。没有应办件的指标不计入。全程以整数件数精确计算，仅在最后四舍五入到两位小数。", "Score = Σ (weight × indicator points) ÷ Σ weights. An indicator's points are its rate × 100, or 100 minus the rate where low is better. An indicator with nothing due is left out. Counts stay exact and are rounded once, to two decimals, at the end."},
	"ranking.protocol":   {"规程", "Protocol"},
	"ranking.minimum":    {"最低案卷量", "Minimum volume"},
	"ranking.atleast":    {"%s不少于 %d 件", "%s at least %d"},
	"ranking.ties":       {"同分", "Equal scores"},
	"ranking.shared":     {"得分相同名次并列，其后名次顺延（1、1、3）", "share a rank, and the ranks they take up are left out (1, 1, 3)"},
	"ranking.indicators": {"指标定义", "Definitions of the indicators"},
	"ranking.indicator":  {"指标", "Indicator"},
	"ranking.weight":     {"权重", "Weight"},
	"ranking.definition": {"计算方法", "Formula"},
	"ranking.better":     {"方向", "Direction"},
	"ranking.source":     {"来源", "Source"},
	"ranking.inputs":     {"原始数据", "The figures"},
	"ranking.inputsnote": {"各市通过交换接口逐日发布的件数之和（单位：件）；省级平台不接收案卷本身。", "Sums of the counts that the cities publish day by day through the exchange, in cases; the province receives no case itself."},
	"ranking.code":       {"代码", "Code"},
	"ranking.days":       {"有数据天数", "Days with figures"},
	"ranking.revision":   {"修订号", "Revision"},
	"ranking.hash":       {"冻结文件 SHA-256", "SHA-256 of the frozen document"},
	"ranking.prove":      {"本页由冻结文件生成。对该文件逐字节计算 SHA-256 应与此一致；按文件内的规程与数据重算，应得到相同的得分与名次。", "This page is made from the frozen document. The SHA-256 over its bytes must equal this one, and recomputing from the protocol and figures inside must give the same scores and ranks."},
	"ranking.low":        {"区间下限", "Interval from"},
	"ranking.high":       {"区间上限", "Interval to"},
	"ranking.n":          {"案卷数 n", "Cases n"},

	"better.high": {"越高越好", "high is better"},
	"better.low":  {"越低越好", "low is better"},

	"reason.no_data":      {"无数据", "no data"},
	"reason.none_due":     {"无应结案", "none due"},
	"reason.small_sample": {"样本不足", "too few cases"},

	"explain.no_data":      {"本月未发布数据", "published nothing for this month"},
	"explain.none_due":     {"本月没有到期应办的案卷", "no case fell due this month"},
	"explain.small_sample": {"低于规程规定的最低案卷量", "below the protocol's minimum volume"},

	"count.reported":        {"上报数", "reported"},
	"count.public_reports":  {"公众举报数", "public reports"},
	"count.reported_filed":  {"上报中已立案数", "reported and filed"},
	"count.filed":           {"立案数", "filed"},
	"count.filed_in_time":   {"按时立案数", "filed in time"},
	"count.declined":        {"不予立案数", "declined"},
	"count.dispatched":      {"派遣数", "dispatched"},
	"count.due_handle":      {"应处置数", "due for handling"},
	"count.handled":         {"处置数", "handled"},
	"count.handled_in_time": {"按期处置数", "handled in time"},
	"count.due_close":       {"应结案数", "due for closing"},
	"count.closed":          {"结案数", "closed"},
	"count.closed_in_time":  {"按期结案数", "closed in time"},
	"count.reworked":        {"返工数", "reworks"},

	"none.due": {"无应办件", "none due"},
	"none":     {"无数据", "no data"},

	"review.title":         {"数字化城市管理系统验收评审报告", "Acceptance review of digital urban management"},
	"review.number":        {"评审编号 %d", "review %d"},
	"review.applied":       {"申请 %s", "applied %s"},
	"review.concluded":     {"结论 %s", "concluded %s"},
	"review.period":        {"数据期间 %s 至 %s", "figures from %s to %s"},
	"review.template":      {"模板评分标准", "Template rubric"},
	"review.total":         {"总分", "Total"},
	"review.outof":         {"满分 %s，通过分数 %s", "out of %s, pass mark %s"},
	"review.todo":          {"需整改事项", "What must be mended"},
	"review.todonote":      {"下列事项整改完成后可再次申请验收。", "Once these are mended the city may apply again."},
	"review.clean":         {"没有需整改的事项。", "Nothing has to be mended."},
	"review.lost":          {"失分 %s", "lost %s"},
	"review.advice":        {"建议", "Advice"},
	"review.preconditions": {"前置条件", "Preconditions"},
	"review.precondition":  {"条件", "Condition"},
	"review.required":      {"要求", "Required"},
	"review.found":         {"实际", "Found"},
	"review.result":        {"结果", "Result"},
	"review.met":           {"满足", "met"},
	"review.unmet":         {"未满足", "not met"},
	"review.sections":      {"各部分得分", "Points by section"},
	"review.section":       {"部分", "Section"},
	"review.items":         {"逐项得分", "Points by item"},
	"review.item":          {"评分项", "Item"},
	"review.evidence":      {"依据", "Evidence"},
	"review.points":        {"得分", "Points"},
	"review.max":           {"满分", "Of"},
	"review.minimum":       {"单项最低", "Minimum"},
	"review.below":         {"低于单项最低", "below its minimum"},
	"review.rule":          {"计分方法", "How the points are made"},
	"review.computed":      {"计算项由被评城市系统的数据直接计算：达到满分界得满分，在零分界不得分，其间按比例。数据缺失的项不得分，并标为“无数据”。", "Computed items come straight from the data of the city's own system: all points at the full threshold, none at the zero threshold, evenly between. An item without data brings no points and is marked “no data”."},
	"review.judged":        {"评议项由不少于 %d 位专家各自独立打分，取平均数，四舍五入到两位小数。", "Judged items are scored by at least %d experts independently; the mean is rounded to two decimals."},
	"review.thresholds":    {"满分界 %s，零分界 %s", "full at %s, zero at %s"},
	"review.experts":       {"%d 位专家，%s–%s 分", "%d experts, %s to %s points"},
	"review.facts":         {"系统数据", "The data"},
	"review.factsnote":     {"申请时由被评城市系统计算并封存，此后未改动。", "Computed by the city's system at application, sealed then and unchanged since."},
	"review.fact":          {"事实", "Fact"},
	"review.value":         {"数值", "Value"},
	"review.interval":      {"95% 区间", "95 % interval"},
	"review.meaning":       {"含义", "Meaning"},
	"review.seals":         {"封存与核验", "Seals"},
	"review.rubric":        {"评分标准", "Rubric"},
	"review.rubrichash":    {"评分标准 SHA-256", "SHA-256 of the rubric"},
	"review.evidencehash":  {"证据 SHA-256", "SHA-256 of the evidence"},
	"review.verdicthash":   {"结论 SHA-256", "SHA-256 of the verdict"},
	"review.prove":         {"评分标准与证据在申请时封存。按封存的评分标准、证据与专家打分重算，应得到相同的结论。", "Rubric and evidence were sealed at application. Recomputing from them and the experts' marks must give the same verdict."},

	"outcome.passed":  {"通过", "Passed"},
	"outcome.rectify": {"整改后复验", "To rectify"},
	"outcome.failed":  {"不通过", "Failed"},

	"cause.precondition": {"前置条件未满足", "precondition not met"},
	"cause.item":         {"低于单项最低", "below the item's minimum"},
	"cause.total":        {"总分未达通过分数", "total below the pass mark"},

	"kind.computed": {"计算", "computed"},
	"kind.judged":   {"评议", "judged"},

	"sheet.ranking":     {"排名", "Ranking"},
	"sheet.inputs":      {"原始数据", "Figures"},
	"sheet.definitions": {"指标与规程", "Definitions"},
}

// say returns catalogue words in a language. An unknown key is an error, so that
// a template cannot print a hole.
func say(l Lang, key string, args ...any) (string, error) {
	t, ok := catalogue[key]
	if !ok {
		return "", fmt.Errorf("no words for %q", key)
	}
	if len(args) == 0 {
		return t.In(l), nil
	}
	return fmt.Sprintf(t.In(l), args...), nil
}

// capital begins an English name with a capital letter; Chinese stays as it is.
func capital(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
