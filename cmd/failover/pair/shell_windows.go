package pair

var shell = [2]string{"cmd", "/c"}
