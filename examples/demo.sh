#!/usr/bin/env bash
# From nothing to predictions: fine-tune on the sample papers, score the test split, classify two new abstracts.
# usage: examples/demo.sh OUT
set -euo pipefail
out=${1:?usage: examples/demo.sh OUT}

korsci train papers --model korsci-nano --epochs 16 --batch-size 8 --learning-rate 3e-4 \
    --max-length 96 --out "$out" --overwrite

echo
echo "Test split, top-3 figures beside TF-IDF + logistic regression and the majority class:"
korsci --quiet eval "$out" --split test --top-k 3 --baseline

echo
echo "Two new abstracts:"
korsci --quiet predict "$out" --top-k 3 \
    "하천 퇴적물에 축적된 미세플라스틱의 공간 분포와 계절 변화를 조사하였다. 12개 지점에서 표층 퇴적물을 채취하여 밀도 분리한 뒤 적외선 분광법으로 중합체를 판별하였으며, 하수처리장 방류구 하류에서 농도가 3.4배 높았다. 강우 직후에는 표층 농도가 절반으로 줄어 재부유가 주된 이동 경로임을 알 수 있었다." \
    "중학생의 수학 학업 자기효능감이 수업 참여에 미치는 영향을 교사 피드백의 조절 효과와 함께 분석하였다. 8개 학교 612명의 설문 자료에 다층모형을 적용한 결과, 과정 중심 피드백을 자주 받는 학급에서 자기효능감과 참여의 관계가 더 강하게 나타났다. 평가 결과만 알려주는 피드백은 유의한 조절 효과를 보이지 않았다."
